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
struct Declaration: Sendable {
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

  var kind: Kind
  var site: Site
  var requirements: [Requirement]
  var outputs: [Key]
  var make: Make
  var module = 0
  var lifetime = Lifetime.singleton
  var isGrouped = false
  var groupOrder = 0
  var isPrivate = false
  var isEager = false
  var isScopeInput = false
  var hooks: [HookDeclaration] = []
  var name: String?
  var run: Run.Policy?
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
