/// The arguments for one call of a constructor.
struct Injector: Sendable {
  /// Where among the parameters, and among the members of a group, a transient value goes.
  struct Place: Hashable, Sendable {
    var parameter: Int
    var member: Int
  }

  /// What few calls need; an object, so that an injector is cheap to pass on.
  final class Extras: Sendable {
    let scope: ScopeStorage?
    /// Transient values, made for this call alone.
    let transients: [Place: AnyBox]
    let lifecycle: Lifecycle?

    init(scope: ScopeStorage?, transients: [Place: AnyBox], lifecycle: Lifecycle?) {
      self.scope = scope
      self.transients = transients
      self.lifecycle = lifecycle
    }
  }

  let engine: Engine
  let node: Int
  var extras: Extras?

  var scope: ScopeStorage? { extras?.scope }

  func binding(_ index: Int) -> Plan.Binding { engine.plan.bindings[engine.plan.nodes[node].firstBinding + index] }

  /// The argument for parameter `index`, whatever its type means to the container.
  func argument<Value>(_ index: Int, as type: Value.Type) throws -> Value {
    if case .source(let source) = binding(index) {
      if source.lifetime == .singleton, let box = engine.slots.unretained(source.slot) { return box.value(as: type) }
      return try box(source, index).value(as: type)
    }
    return try special(index, as: type)
  }

  /// Kept apart: its casts would burden every plain argument with metadata that it does not need.
  @inline(never)
  private func special<Value>(_ index: Int, as type: Value.Type) throws -> Value {
    guard let injectable = type as? any Injectable.Type, let value = try injectable.inject(self, index) as? Value else {
      throw defect
    }
    return value
  }

  func box(_ source: Plan.Source, _ index: Int, member: Int = 0) throws -> AnyBox {
    let box =
      switch source.lifetime {
      case .singleton: engine.slots[source.slot]
      case .scoped: scope?.value(source.slot)
      case .transient: extras?.transients[Place(parameter: index, member: member)]
      }
    guard let box else { throw defect }
    return box
  }

  /// What to throw if the plan promised something that is not there.
  var defect: ContainerError { .unbound(engine.plan, node) }
}

/// Hands out the arguments of a constructor in the order of its parameters.
struct Arguments {
  private let injector: Injector
  private var index: Int

  init(_ injector: Injector, from first: Int = 0) {
    self.injector = injector
    index = first
  }

  mutating func next<Value>(_ type: Value.Type) throws -> Value {
    defer { index += 1 }
    return try injector.argument(index, as: type)
  }
}
