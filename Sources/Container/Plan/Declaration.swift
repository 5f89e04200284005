/// How long a value lives and how many of it there are.
public enum Lifetime: Sendable, Hashable {
  /// One for the app, from start to stop.
  case singleton

  /// One for each scope (``App/withScope(_:)``), stopped when the scope ends.
  case scoped

  /// A new one for each parameter that asks. Not tracked, so it can have no hooks.
  case transient
}

/// What an element of a module asks the container to do: the one form that all elements are brought to.
///
/// An object, so that elements are small and lists of them cheap; it never changes, so modifiers make new ones.
final class Declaration: Sendable {
  enum Kind: Sendable, Hashable {
    case provide
    case supply
    case decorate
    case override
    case invoke
    case run
  }

  /// Calls the user's code with the arguments the injector has for it.
  typealias Make = @Sendable (Injector) async throws -> Made

  /// Makes a hook of a value that has been constructed: it takes no part in the constructing, and never waits.
  typealias Bind = @Sendable (Injector, inout Made) throws -> Void

  /// All that is declared.
  struct Fields: Sendable {
    var kind: Kind
    var site: Site
    var requirements: Few<Requirement>
    var outputs: Few<Key>
    var make: Make
    /// What is to be done with what `make` returned, in this order.
    var binds = Few<Bind>()
    var lifetime = Lifetime.singleton
    var isGrouped = false
    var groupOrder = 0
    var isPrivate = false
    var isEager = false
    var isOffered = false
    var isScopeInput = false
    var hooks: [HookDeclaration] = []
    var name: String?
    var run: Run.Policy?
  }

  private let fields: Fields

  init(_ fields: Fields) {
    self.fields = fields
  }

  /// The same, but for what `change` does.
  func with(_ change: (inout Fields) -> Void) -> Declaration {
    var fields = fields
    change(&fields)
    return Declaration(fields)
  }

  var kind: Kind { fields.kind }
  var site: Site { fields.site }
  var requirements: Few<Requirement> { fields.requirements }
  var outputs: Few<Key> { fields.outputs }
  var make: Make { fields.make }
  var binds: Few<Bind> { fields.binds }
  var lifetime: Lifetime { fields.lifetime }
  var isGrouped: Bool { fields.isGrouped }
  var groupOrder: Int { fields.groupOrder }
  var isPrivate: Bool { fields.isPrivate }
  var isEager: Bool { fields.isEager }
  var isOffered: Bool { fields.isOffered }
  var isScopeInput: Bool { fields.isScopeInput }
  var hooks: [HookDeclaration] { fields.hooks }
  var name: String? { fields.name }
  var run: Run.Policy? { fields.run }

  /// The constructor and its hooks. The engine's loop does the same without this call.
  nonisolated(nonsending) func construct(_ injector: Injector) async throws -> Made {
    var made = try await make(injector)
    for bind in binds { try bind(injector, &made) }
    return made
  }
}

/// The static part of a hook pair: what can be checked and shown before any value exists.
struct HookDeclaration: Sendable {
  var startSite: Site?
  var stopSite: Site?
  var startBudget: Duration?
  var stopBudget: Duration?
}

/// What a call of a constructor gave.
struct Made: Sendable {
  /// The value; the whole tuple for a provider of several.
  var value: AnyBox

  /// One box per output if there are several; empty if `value` is the one output.
  var parts: [AnyBox] = []

  /// Hooks bound to the value, in the order of declaration.
  var hooks: [Hook] = []

  func output(_ index: Int) -> AnyBox {
    parts.isEmpty ? value : parts[index]
  }
}
