import Synchronization

/// The values of one scope, and what must be stopped when it ends.
final class ScopeStorage: Sendable {
  private enum Phase {
    case building
    case built
  }

  private struct State {
    var phases: [Int: Phase] = [:]
    /// Who waits for a node that somebody else builds.
    var waiters = Waiters<Result<Void, any Error>>()
    /// What has started, to be stopped in the reverse order.
    var started: [(node: Int, hooks: [Hook])] = []
    var isOver = false
    /// For each node being built, those that its constructor waits for and somebody else builds.
    var waits = Waits()
    /// Inputs that the scope was opened with and that an `Override` makes instead: they are its own and not its parent's.
    var overridden: Set<Int> = []
  }

  /// The nodes that the current task is building in scopes; to open a `Lazy` of one of them would be waiting for oneself.
  @TaskLocal private static var building: [Building] = []

  /// What those are told who wait for a value whose builder was cancelled; a constructor may throw a cancellation by itself.
  private struct BuilderCancelled: Error {
    let error: any Error
  }

  private struct Building: Equatable {
    let scope: ObjectIdentifier
    let node: Int
  }

  private weak let owner: Engine?
  private let parent: ScopeStorage?
  private let slots: Slots
  private let state = Mutex(State())

  init(_ engine: Engine, parent: ScopeStorage?) {
    owner = engine
    self.parent = parent
    slots = Slots(count: engine.plan.scopedSlots)
  }

  func engine() throws -> Engine {
    guard let owner else { throw ContainerError.appGone() }
    return owner
  }

  func value(_ slot: Int) -> AnyBox? { slots[slot] }

  /// Its values are stopped: nobody gets one any more who has not got it already, but stop hooks have had theirs until now.
  var isClosed: Bool { slots.isClosed }

  /// Puts in a value that the scope is opened with.
  func supply<Value: Sendable>(_ value: Value) throws {
    let plan = try engine().plan
    guard let source = plan.lookup.undecorated(Key(Value.self)), plan.nodes[source.node].isScopeInput else {
      throw ContainerError.noScopeInput(Key(Value.self))
    }
    guard !plan.isOverriddenInput(source.node) else { return state.withLock { _ = $0.overridden.insert(source.node) } }
    if slots[source.slot] != nil { throw ContainerError.suppliedTwice(Key(Value.self)) }
    slots.fill(source.slot, Box(value))
  }

  // MARK: Building

  /// The scope's value of a source, built and started now if it has not been yet.
  func value(of source: Plan.Source) async throws -> AnyBox {
    if isClosed { throw ContainerError.scopeOver(try engine().plan.origin(source.node)) }
    if let box = slots[source.slot] { return box }
    let engine = try engine()
    if handsOn(source.node, engine.plan), let box = try await parent?.value(of: source) {
      slots.fill(source.slot, box)
      return box
    }
    let place = Building(scope: ObjectIdentifier(self), node: source.node)
    if ScopeStorage.building.contains(place) { throw ContainerError.lazyCycleInScope(engine.plan.origin(source.node)) }
    if try await claim(source.node, engine) {
      do {
        try await ScopeStorage.$building.withValue(ScopeStorage.building + [place]) {
          try await build(source.node, engine)
        }
        settle(source.node, .success(()))
      } catch {
        let isCancelled = Task.isCancelled && ContainerError.isCallingOff(error)
        settle(source.node, .failure(isCancelled ? BuilderCancelled(error: error) : error))
        throw error
      }
    }
    guard let box = slots[source.slot] else { throw ContainerError.unbound(engine.plan, source.node) }
    return box
  }

  /// Whether the value is the parent's if there is one: an input that this scope has not been opened with.
  private func handsOn(_ node: Int, _ plan: Plan) -> Bool {
    guard plan.nodes[node].isScopeInput, parent != nil else { return false }
    return !state.withLock { $0.overridden.contains(node) }
  }

  /// Returns true if the caller is to build the node, false if somebody else has.
  private func claim(_ node: Int, _ engine: Engine) async throws -> Bool {
    enum Claim {
      case mine
      case built
      case over
      case cycle
    }
    let own = ScopeStorage.building.filter { $0.scope == ObjectIdentifier(self) }.map(\.node)
    let claim = state.withLock { state -> Claim? in
      if state.isOver { return .over }
      switch state.phases[node] {
      case nil:
        state.phases[node] = .building
        return .mine
      case .built: return .built
      case .building:
        if state.waits.wouldDeadlock(own, waitingFor: node) { return .cycle }
        for waiting in own { state.waits.begin(waiting, for: node) }
        return nil
      }
    }
    switch claim {
    case .mine: return true
    case .built: return false
    case .over: throw ContainerError.scopeOver(engine.plan.origin(node))
    case .cycle: throw ContainerError.lazyCycleInScope(engine.plan.origin(node))
    case nil:
      let result = await builtElsewhere(node)
      if !own.isEmpty { state.withLock { state in for waiting in own { state.waits.end(waiting, for: node) } } }
      if case .failure(let error) = result {
        guard let cancelled = error as? BuilderCancelled else { throw error }
        // That is no reason for this one: it builds the value itself.
        guard !Task.isCancelled else { throw cancelled.error }
        return try await self.claim(node, engine)
      }
      return slots[engine.plan.nodes[node].firstSlot] == nil ? try await self.claim(node, engine) : false
    }
  }

  /// Waits until somebody else has built a node, or the task is cancelled.
  private func builtElsewhere(_ node: Int) async -> Result<Void, any Error> {
    let number = state.withLock { $0.waiters.number() }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let result = state.withLock { state -> Result<Void, any Error>? in
          guard case .building = state.phases[node] else { return .success(()) }
          // A cancellation that came before is seen here, one that comes later finds the waiter.
          if Task.isCancelled { return .failure(CancellationError()) }
          state.waiters.add(continuation, as: number, for: node)
          return nil
        }
        if let result { continuation.resume(returning: result) }
      }
    } onCancel: {
      state.withLock { $0.waiters.remove(number, for: node) }?.resume(returning: .failure(CancellationError()))
    }
  }

  private func settle(_ node: Int, _ result: Result<Void, any Error>) {
    let waiters = state.withLock { state in
      if case .success = result { state.phases[node] = .built } else { state.phases[node] = nil }
      return state.waiters.removeAll(for: node)
    }
    for waiter in waiters { waiter.resume(returning: result) }
  }

  private func build(_ node: Int, _ engine: Engine) async throws {
    let plan = engine.plan
    try await engine.prepare(node, in: self)
    let made: Made
    do {
      made = try await Resolver(engine: engine).construct(node, in: self)
    } catch {
      throw plan.declarations[node].isScopeInput ? error : ContainerError.construction(plan, node, error)
    }
    for (index, hook) in made.hooks.enumerated() {
      do {
        if let start = hook.onStart { try await engine.timed(hook, .start, node, start) }
      } catch {
        _ = await engine.stopScopeHooks([(node, made.hooks.toStop(afterFailureOf: index))])
        throw error
      }
    }
    let isOver = state.withLock { state in
      if !state.isOver { state.started.append((node, made.hooks)) }
      return state.isOver
    }
    guard !isOver else {
      // The scope ended meanwhile and will not stop what it does not know of.
      _ = await engine.stopScopeHooks([(node, made.hooks)])
      throw ContainerError.scopeOver(plan.origin(node))
    }
    for output in plan.declarations[node].outputs.indices {
      slots.fill(plan.nodes[node].firstSlot + output, made.output(output))
    }
  }

  // MARK: Life

  /// Calls `body` with the scope, then ends it, whatever `body` did.
  func run<Result>(
    _ site: Site, isolation: isolated (any Actor)?, _ body: (Scope) async throws -> Result
  ) async throws -> Result {
    let engine = try engine()
    let opened = OpenScope(engine, site)
    let place = try engine.state.withLock { state throws(ContainerError) in
      try state.open(opened, isInner: parent != nil || OpenScope.surroundsTask(of: engine) != nil)
    }
    // The stop hooks are inside it too: the stop of the app waits for them.
    return try await OpenScope.$current.withValue(opened) {
      let result: Result
      do {
        result = try await body(Scope(self))
      } catch {
        // The error of the body is the one to tell; those of the stop are events.
        _ = await end(engine, opened, place)
        throw error
      }
      if let failure = await end(engine, opened, place) { throw failure }
      return result
    }
  }

  /// In the order of the start, but that who may ask for a value by `Lazy` comes after it.
  private func holdersLast(
    _ started: [(node: Int, hooks: [Hook])], _ users: [Int: [Int]]
  ) -> [(node: Int, hooks: [Hook])] {
    guard !users.isEmpty else { return started }
    var rest = Dictionary(uniqueKeysWithValues: started.map { ($0.node, $0.hooks) })
    var stopping: [(node: Int, hooks: [Hook])] = []
    func stop(_ node: Int) {
      guard let hooks = rest.removeValue(forKey: node) else { return }
      if let using = users[node] {
        for (user, _) in started.reversed() where using.contains(user) { stop(user) }
      }
      stopping.append((node, hooks))
    }
    for (node, _) in started.reversed() { stop(node) }
    return stopping.reversed()
  }

  private func end(_ engine: Engine, _ opened: OpenScope, _ place: Int) async -> ContainerError? {
    let started = state.withLock { state in
      state.isOver = true
      defer { state.started = [] }
      return state.started
    }
    let failure = await engine.stopScopeHooks(holdersLast(started, engine.plan.scopedUsers))
    slots.close()
    if !opened.end() { await opened.endCancelled() }
    engine.close(opened, place)
    return failure
  }
}
