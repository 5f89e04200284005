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

  /// Builds and starts a singleton if that has not happened yet.
  func ensureStarted(_ node: Int) async throws {
    let asking = Context.node(of: self)
    let now = options.clock.now()
    var hasWaited = true
    let failure = await withCheckedContinuation { continuation in
      let (answer, effects) = state.withLock { $0.demand(node, from: asking, now: now, continuation) }
      if let answer {
        hasWaited = false
        continuation.resume(returning: answer.error)
      }
      perform(effects)
    }
    if hasWaited, let asking { perform(state.withLock { $0.endDemand(of: asking, for: node) }) }
    if let failure { throw failure }
  }

  /// The value of any source: a singleton, a new transient one, or a scope's.
  func value(of source: Plan.Source, in scope: ScopeStorage?) async throws -> AnyBox {
    switch source.lifetime {
    case .singleton: return try await singleton(source)
    case .scoped:
      guard let scope else { throw ContainerError.needsScope(plan.origin(source.node)) }
      return try await scope.value(of: source)
    case .transient:
      try await prepare(source.node, in: scope)
      return try await Resolver(engine: self).construct(source.node, in: scope).output(source.output)
    }
  }

  /// Has everything ready that the constructor of a transient or scoped node needs.
  func prepare(_ node: Int, in scope: ScopeStorage?) async throws {
    for dependency in plan.dependencies[node].lazy.map(Int.init) where !isFilled(dependency) {
      try await ensureStarted(dependency)
    }
    for source in plan.scopedNeeds[node] ?? [] {
      guard let scope else { throw ContainerError.needsScope(plan.origin(source.node)) }
      _ = try await scope.value(of: source)
    }
  }

  private func isFilled(_ node: Int) -> Bool { slots[plan.nodes[node].firstSlot] != nil }

  /// What a parameter of type `type` at the top of the app, or in a scope, would get.
  func value<Value: Sendable>(of type: Value.Type, in scope: ScopeStorage?) async throws -> Value {
    if let source = plan.lookup.source(of: Key(type), from: 0) {
      try checkIsOpen(source)
      if source.lifetime == .singleton, let box = slots[source.slot] { return box.value(as: type) }
      return try await value(of: source, in: scope).value(as: type)
    }
    guard let composed = type as? any ComposedType.Type else { throw ContainerError.notProvided(plan, Key(type)) }
    var boxes: [AnyBox] = []
    for source in composed.sources(plan.lookup) {
      try checkIsOpen(source)
      boxes.append(try await value(of: source, in: scope))
    }
    guard let value = composed.compose(boxes) as? Value else { throw ContainerError.notProvided(plan, Key(type)) }
    return value
  }

  /// A stopped app has values that are stopped.
  private func checkIsOpen(_ source: Plan.Source) throws(ContainerError) {
    if slots.isClosed { throw .notRunning(plan.origin(source.node), .stopped) }
  }
}

/// A type that is made of other values when it is asked for: `T?` and `Group<T>`.
protocol ComposedType {
  static func sources(_ lookup: Lookup) -> [Plan.Source]
  static func compose(_ boxes: [AnyBox]) -> Self
}

extension Optional: ComposedType {
  static func sources(_ lookup: Lookup) -> [Plan.Source] {
    lookup.source(of: Key(Wrapped.self), from: 0).map { [$0] } ?? []
  }

  static func compose(_ boxes: [AnyBox]) -> Wrapped? { boxes.first?.value(as: Wrapped.self) }
}

extension Group: ComposedType {
  static func sources(_ lookup: Lookup) -> [Plan.Source] { lookup.members(of: Key(Element.self), from: 0) }

  static func compose(_ boxes: [AnyBox]) -> Group<Element> { Group(boxes.map { $0.value(as: Element.self) }) }
}
