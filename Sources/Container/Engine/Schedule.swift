/// Which node may be built and which stopped at any moment. Pure: it hands out nodes, and is told how they fared.
struct Schedule: Sendable {
  enum Phase: UInt8, Sendable {
    /// Not asked for.
    case idle
    /// Waits for dependencies.
    case waiting
    /// Handed out to be built and started.
    case starting
    /// Built and started.
    case started
    /// Handed out to be stopped.
    case stopping
    /// Stopped.
    case stopped
  }

  /// Which nodes the stop has come to. What opens scopes and what they use are held back for the sake of those that are open.
  private enum Step: Int, Comparable {
    /// What asks for a `ScopeFactory`, for code that it calls may use anything.
    case openers
    /// What scopes do not need.
    case others
    /// What they need.
    case scopeNeeds

    static func < (one: Step, other: Step) -> Bool { one.rawValue < other.rawValue }
  }

  private let dependencies: Edges
  private let dependents: Edges
  private let lazyHolders: [Int: [Int]]
  private let lazyTargets: [Int: [Int]]
  private let scopeOpeners: Set<Int>
  private let scopeNeeds: Set<Int>
  private let isSerial: Bool
  private(set) var phases: [Phase]
  /// While building: dependencies that have not started. While stopping: dependents that have not stopped.
  private var pending: [Int32]
  private var hasStopWork: [Bool]
  /// Nodes in the order they started.
  private(set) var startOrder: [Int] = []
  /// Serial mode hands out one at a time: the next candidates, the last of them first.
  private var queue: [Int] = []
  private var rank: [Int32] = []
  /// Nodes in flight that wait for others by `Lazy`.
  private var nested: [Int: Int] = [:]
  private var waiting = 0
  private(set) var inFlight = 0
  private var toStop = 0
  /// How many nodes have something to do at stop.
  private var stopWork = 0
  private var step = Step.openers
  /// How many nodes have not stopped of the first step, and of those after it that come before the scopes' end.
  private var openersToStop = 0
  private var othersToStop = 0
  /// Nodes that have been handed out and not been taken yet, to be built or to be stopped as `phases` says. Whoever calls takes
  /// them from here: a list in every answer would be an allocation for every node.
  private(set) var ready: [Int] = []
  /// Where `release` notes what it has still to look at; empty between calls.
  private var free: [Int] = []

  init(_ plan: Plan, serial: Bool) {
    dependencies = plan.dependencies
    dependents = plan.dependents
    lazyHolders = plan.lazyHolders
    lazyTargets = plan.lazyTargets
    scopeOpeners = plan.scopeOpeners
    scopeNeeds = plan.scopeNeeds
    isSerial = serial
    phases = Array(repeating: .idle, count: plan.nodes.count)
    pending = Array(repeating: 0, count: plan.nodes.count)
    hasStopWork = Array(repeating: false, count: plan.nodes.count)
    startOrder.reserveCapacity(plan.nodes.count)
    if serial { rank = Schedule.depthFirstRanks(plan) }
  }

  /// Nothing is being built and nothing waits to be.
  var isSettled: Bool { inFlight == 0 && waiting == 0 }

  /// Everything that had started has stopped.
  var isStopped: Bool { inFlight == 0 && toStop == 0 && step == .scopeNeeds }

  /// All that is left to be stopped is what scopes need: it is time for them to end, and for `endScopes`.
  var isAtScopes: Bool { step == .others && othersToStop == 0 }

  // MARK: Starting

  /// Asks for nodes and all they need.
  ///
  /// `asking` is the node whose code asks: if that is in flight, it waits meanwhile.
  mutating func want(_ goals: some Sequence<Int>, inside asking: Int? = nil) {
    if let asking { nested[asking, default: 0] += 1 }
    var stack = Array(goals)
    while let node = stack.popLast() {
      guard phases[node] == .idle else { continue }
      phases[node] = .waiting
      waiting += 1
      var open: Int32 = 0
      for place in dependencies.places(of: node) {
        let dependency = dependencies.neighbour(at: place)
        guard phases[dependency] != .started else { continue }
        open += 1
        if phases[dependency] == .idle { stack.append(dependency) }
      }
      pending[node] = open
      if open == 0 { offer(node) }
    }
    handOutInTurn()
  }

  /// A node in flight has got the value that it asked for, or an error.
  mutating func endNested(_ asking: Int) {
    let count = (nested[asking] ?? 1) - 1
    nested[asking] = count == 0 ? nil : count
    handOutInTurn()
  }

  mutating func didStart(_ node: Int, hasStopWork: Bool) {
    phases[node] = .started
    if hasStopWork {
      self.hasStopWork[node] = true
      stopWork += 1
    }
    startOrder.append(node)
    inFlight -= 1
    for place in dependents.places(of: node) {
      let dependent = dependents.neighbour(at: place)
      guard phases[dependent] == .waiting else { continue }
      pending[dependent] -= 1
      if pending[dependent] == 0 { offer(dependent) }
    }
    handOutInTurn()
  }

  /// A node could not be built or started. Returns the nodes that waited for it and will not be built; it and they may be
  /// asked for again.
  mutating func didFail(_ node: Int) -> [Int] {
    phases[node] = .idle
    inFlight -= 1
    var abandoned: [Int] = []
    var stack = [node]
    while let failed = stack.popLast() {
      for dependent in dependents[failed].lazy.map(Int.init) where phases[dependent] == .waiting {
        phases[dependent] = .idle
        waiting -= 1
        abandoned.append(dependent)
        stack.append(dependent)
      }
    }
    return abandoned
  }

  /// What serial mode goes on with after a failure that ends nothing but itself.
  mutating func next() { handOutInTurn() }

  /// Gives up on all nodes that have not been handed out. Returns them.
  mutating func abandonWaiting() -> [Int] {
    queue = []
    guard waiting > 0 else { return [] }
    var abandoned: [Int] = []
    for node in phases.indices where phases[node] == .waiting {
      phases[node] = .idle
      abandoned.append(node)
    }
    waiting = 0
    return abandoned
  }

  /// Takes back nodes that were handed out to be built and that nobody has begun with.
  mutating func takeBack(_ nodes: [Int]) {
    for node in nodes { phases[node] = .idle }
    inFlight -= nodes.count
  }

  // MARK: Stopping

  /// Turns round: from now on nodes are handed out to be stopped, dependents before what they depend on.
  ///
  /// What scopes need comes last, when `endScopes` says so.
  mutating func beginStop() {
    toStop = startOrder.count
    if stopWork == 0 {
      for node in startOrder { phases[node] = .stopped }
      startOrder = []
      (toStop, step) = (0, .others)
      return
    }
    if !scopeOpeners.isEmpty { openersToStop = startOrder.count(where: scopeOpeners.contains) }
    if openersToStop == 0 { step = .others }
    othersToStop = toStop - openersToStop
    if !scopeNeeds.isEmpty { othersToStop -= startOrder.count(where: scopeNeeds.contains) }
    if isSerial {
      if !lazyHolders.isEmpty { putHoldersLast() }
      if othersToStop < toStop {
        // Nothing of a step needs anything of one before it: the order of those that need each other stays.
        let order = startOrder
        startOrder = [.scopeNeeds, .others, .openers].flatMap { step in order.filter { self.step(of: $0) == step } }
      }
      nextToStop()
      return endStep()
    }
    for node in startOrder {
      var open: Int32 = step(of: node) > step ? 1 : 0
      for place in dependents.places(of: node) where phases[dependents.neighbour(at: place)] == .started { open += 1 }
      if !lazyHolders.isEmpty, let holders = lazyHolders[node] {
        open += Int32(holders.count { phases[$0] == .started })
      }
      pending[node] = open
    }
    // Releasing one may release others, which have no longer the phase `started` when their turn comes.
    for node in startOrder where pending[node] == 0 && phases[node] == .started { release(node) }
    endStep()
  }

  mutating func didStop(_ node: Int) {
    inFlight -= 1
    if isSerial {
      countStopped(node)
      nextToStop()
    } else {
      markStopped(node)
      releaseAll()
    }
    endStep()
  }

  /// The scopes have ended: what they needed is next.
  mutating func endScopes() {
    if step < .scopeNeeds { begin(.scopeNeeds) }
  }

  /// Goes on from what opens scopes to the others once that has stopped.
  private mutating func endStep() {
    if step == .openers, openersToStop == 0 { begin(.others) }
  }

  private mutating func begin(_ next: Step) {
    step = next
    if isSerial { return nextToStop() }
    for node in startOrder where step(of: node) == next { lose(node) }
    releaseAll()
  }

  private func step(of node: Int) -> Step {
    if !scopeOpeners.isEmpty, scopeOpeners.contains(node) { return .openers }
    return !scopeNeeds.isEmpty && scopeNeeds.contains(node) ? .scopeNeeds : .others
  }

  /// Hands out a node to be stopped, or passes at once through it and those behind it: most have nothing to do at stop.
  private mutating func release(_ node: Int) {
    free.append(node)
    releaseAll()
  }

  private mutating func releaseAll() {
    while let node = free.popLast() {
      if hasStopWork[node] {
        phases[node] = .stopping
        inFlight += 1
        ready.append(node)
      } else {
        markStopped(node)
      }
    }
  }

  private mutating func countStopped(_ node: Int) {
    phases[node] = .stopped
    toStop -= 1
    switch step(of: node) {
    case .openers: openersToStop -= 1
    case .others: othersToStop -= 1
    case .scopeNeeds: break
    }
  }

  private mutating func markStopped(_ node: Int) {
    countStopped(node)
    for place in dependencies.places(of: node) { lose(dependencies.neighbour(at: place)) }
    guard !lazyTargets.isEmpty else { return }
    for dependency in lazyTargets[node] ?? [] { lose(dependency) }
  }

  /// One of those that `node` must outlive has stopped.
  private mutating func lose(_ node: Int) {
    guard phases[node] == .started else { return }
    pending[node] -= 1
    if pending[node] == 0 { free.append(node) }
  }

  /// Serial mode stops in the reverse order of the start, but that who may ask for a node later has often started before it.
  private mutating func putHoldersLast() {
    var order: [Int] = []
    var entered = [Bool](repeating: false, count: phases.count)
    var stack: [(node: Int, isLeaving: Bool)] = startOrder.map { ($0, false) }
    while let (node, isLeaving) = stack.popLast() {
      if isLeaving {
        order.append(node)
      } else if phases[node] == .started, !entered[node] {
        entered[node] = true
        stack.append((node, true))
        for dependent in dependents[node] { stack.append((Int(dependent), false)) }
        for holder in lazyHolders[node] ?? [] { stack.append((holder, false)) }
      }
    }
    startOrder = order.reversed()
  }

  private mutating func nextToStop() {
    while inFlight == 0, let node = startOrder.last, step == .scopeNeeds || step(of: node) < .scopeNeeds {
      startOrder.removeLast()
      if hasStopWork[node] {
        phases[node] = .stopping
        inFlight += 1
        ready.append(node)
      } else {
        countStopped(node)
      }
    }
  }

  /// What has started and not stopped, the last first.
  var unstopped: [Int] { phases.indices.reversed().filter { phases[$0] == .started || phases[$0] == .stopping } }

  /// Waits for nothing any more: everything counts as stopped.
  mutating func giveUp() {
    for node in unstopped { phases[node] = .stopped }
    startOrder = []
    (inFlight, toStop, waiting) = (0, 0, 0)
    step = .scopeNeeds
  }

  // MARK: Handing out

  /// Empties the list of nodes that have been handed out.
  mutating func clearReady() { ready.removeAll(keepingCapacity: true) }

  /// A node waits for nothing any more.
  private mutating func offer(_ node: Int) {
    if isSerial { queue.append(node) } else { handOut(node) }
  }

  private mutating func handOut(_ node: Int) {
    phases[node] = .starting
    waiting -= 1
    inFlight += 1
    ready.append(node)
  }

  /// Serial mode: the next one, if it is anybody's turn.
  private mutating func handOutInTurn() {
    guard isSerial else { return }
    queue.sort { rank[$0] > rank[$1] }
    // A `Run` or a hook's task that asks is not in flight, and a node that asks for two values waits but once.
    guard inFlight <= nested.keys.count(where: { phases[$0] == .starting }), let next = queue.popLast() else { return }
    handOut(next)
  }

  /// The order in which fx would construct: root by root, parameter by parameter.
  private static func depthFirstRanks(_ plan: Plan) -> [Int32] {
    var rank = [Int32](repeating: -1, count: plan.nodes.count)
    var next: Int32 = 0
    var entered = [Bool](repeating: false, count: plan.nodes.count)
    var stack: [(node: Int, isLeaving: Bool)] = (plan.roots + plan.nodes.indices).reversed().map { ($0, false) }
    while let (node, isLeaving) = stack.popLast() {
      if isLeaving {
        rank[node] = next
        next += 1
      } else if !entered[node] {
        entered[node] = true
        stack.append((node, true))
        for dependency in plan.dependencies[node].reversed() { stack.append((Int(dependency), false)) }
      }
    }
    return rank
  }
}
