import Synchronization

extension Engine {
  /// The value of a singleton that is there already, as the top of the app sees it: the short way, without a lock or a suspension.
  func built(_ type: ObjectIdentifier) -> Unmanaged<AnyBox>? {
    guard !slots.isClosed, plan.lookup.special.isEmpty, let offer = plan.lookup.table[type] else { return nil }
    let source = plan.lookup.offers[offer].source
    guard source.lifetime == .singleton else { return nil }
    return slots.unretained(source.slot)
  }

  /// The value of a singleton, built and started now if it has not been yet.
  func singleton(_ source: Plan.Source) async throws -> AnyBox {
    if let box = slots[source.slot] { return box }
    try await ensureStarted(source.node)
    guard let box = slots[source.slot] else { throw ContainerError.unbound(plan, source.node) }
    return box
  }

  /// Builds and starts a singleton if that has not happened yet. Who is cancelled meanwhile waits no longer for it.
  func ensureStarted(_ node: Int) async throws {
    let asking = Context.node(of: self)
    let now = options.clock.now()
    let waiter = state.withLock { $0.valueWaiters.number() }
    var hasWaited = true
    let failure = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let (answer, effects) = state.withLock { state in
          // A cancellation that came before is seen here, one that comes later finds the waiter.
          Task.isCancelled
            ? (EngineState.Answer(error: CancellationError()), [])
            : state.demand(node, from: asking, as: waiter, now: now, continuation)
        }
        if let answer {
          hasWaited = false
          continuation.resume(returning: answer.error)
        }
        perform(effects)
      }
    } onCancel: {
      state.withLock { $0.valueWaiters.remove(waiter, for: node) }?.resume(returning: CancellationError())
    }
    if hasWaited, let asking { perform(state.withLock { $0.endDemand(of: asking, for: node) }) }
    if let failure { throw failure }
  }

  /// The value of any source: a singleton, a new transient one, or a scope's.
  func value(of source: Plan.Source, in scope: ScopeStorage?) async throws -> AnyBox {
    switch source.lifetime {
    case .singleton: return try await singleton(source)
    case .scoped:
      return try await require(scope, for: source).value(of: source)
    case .transient:
      try await prepare(source.node, in: scope)
      if !plan.recursive.isEmpty, plan.recursive.contains(source.node) {
        return try await Nesting.deeper(plan.origin(source.node)) {
          try await Resolver(engine: self).construct(source.node, in: scope).output(source.output)
        }
      }
      return try await Resolver(engine: self).construct(source.node, in: scope).output(source.output)
    }
  }

  /// Has everything ready that the constructor of a transient or scoped node needs.
  func prepare(_ node: Int, in scope: ScopeStorage?) async throws {
    for dependency in plan.dependencies[node].lazy.map(Int.init) where !isFilled(dependency) {
      try await ensureStarted(dependency)
    }
    for source in plan.scopedNeeds[node] ?? [] {
      _ = try await require(scope, for: source).value(of: source)
    }
  }

  private func require(_ scope: ScopeStorage?, for source: Plan.Source) throws(ContainerError) -> ScopeStorage {
    guard let scope else { throw .needsScope(plan.origin(source.node)) }
    return scope
  }

  private func isFilled(_ node: Int) -> Bool { slots[plan.nodes[node].firstSlot] != nil }

  /// What a parameter of type `type` at the top of the app, or in a scope, would get.
  func value<Value: Sendable>(of type: Value.Type, in scope: ScopeStorage?) async throws -> Value {
    if let source = plan.lookup.source(of: Key(type), from: 0) {
      try checkIsOpen(source)
      if source.lifetime == .singleton, let box = slots[source.slot] { return box.value(as: type) }
      return try await value(of: source, in: scope).value(as: type)
    }
    guard let composed = type as? any ComposedType.Type, composed.isProvided(plan.lookup) else {
      throw ContainerError.notProvided(plan, Key(type))
    }
    guard let value = try await composed.compose(self, scope) as? Value else {
      throw ContainerError.notProvided(plan, Key(type))
    }
    return value
  }

  /// A stopped app has values that are stopped, and one with faults has parameters that nothing is bound to.
  func checkIsOpen(_ source: Plan.Source) throws(ContainerError) {
    guard plan.faults.isEmpty else { throw .invalid(plan) }
    if slots.isClosed { throw .notRunning(plan.origin(source.node), .stopped) }
  }
}

/// A type that means something of its own to the container, when it is asked for by a call rather than by a parameter.
protocol ComposedType {
  /// Whether there is what it is made of.
  static func isProvided(_ lookup: Lookup) -> Bool

  /// The value, for a call at the top of the app or in a scope.
  static func compose(_ engine: Engine, _ scope: ScopeStorage?) async throws -> Self
}

extension ComposedType {
  static func isProvided(_ lookup: Lookup) -> Bool { true }
}

extension Optional: ComposedType {
  static func compose(_ engine: Engine, _ scope: ScopeStorage?) async throws -> Wrapped? {
    if let source = engine.plan.lookup.source(of: Key(Wrapped.self), from: 0) {
      try engine.checkIsOpen(source)
      return try await engine.value(of: source, in: scope).value(as: Wrapped.self)
    }
    guard let composed = Wrapped.self as? any ComposedType.Type, composed.isProvided(engine.plan.lookup) else {
      return nil
    }
    return try await composed.compose(engine, scope) as? Wrapped
  }
}

extension Group: ComposedType {
  /// A wrapper is no value that somebody provides: only one that was contributed is in a group.
  static func isProvided(_ lookup: Lookup) -> Bool {
    !(Element.self is any Injectable.Type) || !lookup.members(of: Key(Element.self), from: 0).isEmpty
  }

  static func compose(_ engine: Engine, _ scope: ScopeStorage?) async throws -> Group<Element> {
    var elements: [Element] = []
    for source in engine.plan.lookup.members(of: Key(Element.self), from: 0) {
      try engine.checkIsOpen(source)
      elements.append(try await engine.value(of: source, in: scope).value(as: Element.self))
    }
    return Group(elements)
  }
}

extension Lazy: ComposedType {
  static func isProvided(_ lookup: Lookup) -> Bool { lookup.source(of: Key(Value.self), from: 0) != nil }

  static func compose(_ engine: Engine, _ scope: ScopeStorage?) async throws -> Lazy<Value> {
    guard let source = engine.plan.lookup.source(of: Key(Value.self), from: 0) else {
      throw ContainerError.notProvided(engine.plan, Key(Value.self))
    }
    return Lazy(Deferred(engine, source, scope))
  }
}

extension Factory: ComposedType {
  static func isProvided(_ lookup: Lookup) -> Bool {
    lookup.source(of: Key(Value.self), from: 0)?.lifetime == .transient
  }

  static func compose(_ engine: Engine, _ scope: ScopeStorage?) async throws -> Factory<Value> {
    guard let source = engine.plan.lookup.source(of: Key(Value.self), from: 0) else {
      throw ContainerError.notProvided(engine.plan, Key(Value.self))
    }
    return Factory(Deferred(engine, source, scope))
  }
}

extension Scope: ComposedType {
  static func compose(_ engine: Engine, _ scope: ScopeStorage?) throws -> Scope {
    guard let scope else { throw ContainerError.noScopeHere() }
    return Scope(scope, keeps: false)
  }
}

extension ScopeFactory: ComposedType {
  static func compose(_ engine: Engine, _ scope: ScopeStorage?) -> ScopeFactory { ScopeFactory(engine) }
}

extension AppControl: ComposedType {
  static func compose(_ engine: Engine, _ scope: ScopeStorage?) -> AppControl { AppControl(engine) }
}

extension ShutdownSignal: ComposedType {
  static func compose(_ engine: Engine, _ scope: ScopeStorage?) -> ShutdownSignal { engine.shutdownSignal }
}
