import ContainerTesting
import Synchronization

@testable import Container

/// Watches one life of one random graph and notes what must not happen.
final class RandomGraphWatch: Sendable {
  /// A value of the app, one of a scope, or a `Run`.
  struct Instance: Hashable, CustomStringConvertible {
    let number: Int
    let scope: ObjectIdentifier?

    var description: String { scope == nil ? "\(number)" : "\(number) of a scope" }
  }

  struct State {
    /// Whoever is being built or runs, and what it may call meanwhile.
    var users: [Instance: Set<Instance>] = [:]
    var started: Set<Instance> = []
    var stopped: Set<Instance> = []
    var faults: [String] = []
    fileprivate var steps = 0
    /// Kept, so that no two have the same identity.
    fileprivate var scopes: [ScopeStorage] = []

    func isRunning(_ instance: Instance) -> Bool { started.contains(instance) && !stopped.contains(instance) }
  }

  let graph: RandomGraph
  let time = ManualClock()
  /// Opens when somebody does not go on: from then on time passes, quickly.
  let timePasses = Gate()
  /// What the deaf wait for.
  let end = Gate()
  /// Opens when the body of a `Run` has all it wants.
  let settled: [Gate]
  private let state = Mutex(State())
  private let interrupt = Mutex<(@Sendable (RandomGraph.Interruption) -> Void)?>(nil)

  init(_ graph: RandomGraph) {
    self.graph = graph
    settled = graph.elements.map { _ in Gate() }
  }

  var result: State { state.withLock { $0 } }

  /// Says what an interruption does; nil when it is over.
  func onInterruption(_ body: (@Sendable (RandomGraph.Interruption) -> Void)?) { interrupt.withLock { $0 = body } }

  func instance(_ number: Int, in scope: ScopeStorage?) -> Instance {
    guard graph.elements[number].kind == .scoped, let scope else { return Instance(number: number, scope: nil) }
    state.withLock { state in
      if !state.scopes.contains(where: { $0 === scope }) { state.scopes.append(scope) }
    }
    return Instance(number: number, scope: ObjectIdentifier(scope))
  }

  private func step(_ body: (inout State) -> Void) {
    let interruption = state.withLock { state in
      body(&state)
      state.steps += 1
      return state.steps - 1 == graph.interruption?.after ? graph.interruption?.kind : nil
    }
    if let interruption { interrupt.withLock { $0 }?(interruption) }
  }

  /// A constructor is called: what it needs has to run from now on.
  func build(_ user: Instance, uses: Set<Instance>) {
    step { state in
      if state.users[user] != nil || state.started.contains(user) { state.faults.append("\(user) built twice") }
      // A constructor that is over a budget is left behind, and what it needs may stop before it notices.
      for need in uses where !(graph.hurries ? state.started.contains(need) : state.isRunning(need)) {
        state.faults.append("\(user) built while \(need) was not running")
      }
      if !graph.hurries { hold(uses, by: user, &state) }
    }
  }

  /// Somebody may call its values from now on.
  func hold(_ uses: Set<Instance>, by user: Instance) { state.withLock { hold(uses, by: user, &$0) } }

  private func hold(_ uses: Set<Instance>, by user: Instance, _ state: inout State) {
    // What is meant to be over its time is left behind by those that it needs.
    guard !graph.elements[user.number].fate.isEndless else { return }
    for use in uses where !state.isRunning(use) { state.faults.append("\(user) has \(use), which is not running") }
    state.users[user, default: []].formUnion(uses)
  }

  /// Somebody has got values by a `Lazy`. Returns those that have to run until it has ended.
  func open(_ uses: Set<Instance>, by user: Instance) -> Set<Instance> {
    // In a cycle that a `Lazy` breaks, somebody has to stop first.
    let bound = uses.filter { !graph.reached(from: [$0.number], lazily: true).contains(user.number) }
    state.withLock { if $0.users[user] != nil { hold(bound, by: user, &$0) } }
    return bound
  }

  /// Nothing is called any more: it has failed or ended.
  func leave(_ user: Instance) { state.withLock { $0.users[user] = nil } }

  func start(_ instance: Instance) {
    step { state in
      if !state.started.insert(instance).inserted { state.faults.append("\(instance) started twice") }
    }
  }

  func stop(_ instance: Instance) {
    step { state in
      if !state.started.contains(instance) { state.faults.append("\(instance) stopped without having started") }
      if !state.stopped.insert(instance).inserted { state.faults.append("\(instance) stopped twice") }
      state.users[instance] = nil
      for (user, uses) in state.users where uses.contains(instance) {
        state.faults.append("\(instance) stopped while \(user) used it")
      }
    }
  }
}
