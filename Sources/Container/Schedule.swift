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

  private let dependencies: Edges
  private let dependents: Edges
  private let lazyHolders: [Int: [Int]]
  private let lazyTargets: [Int: [Int]]
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
  private var nested = 0
  private var waiting = 0
  private(set) var inFlight = 0
  private var toStop = 0

  init(_ plan: Plan, serial: Bool) {
    dependencies = plan.dependencies
    dependents = plan.dependents
    lazyHolders = plan.lazyHolders
    lazyTargets = plan.lazyTargets
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
  var isStopped: Bool { inFlight == 0 && toStop == 0 }

  // MARK: Starting

  /// Asks for nodes and all they need. Returns those that can be built now.
  ///
  /// `isNested` says that whoever asks is itself a node in flight, which waits meanwhile.
  mutating func want(_ goals: some Sequence<Int>, isNested: Bool = false) -> [Int] {
    if isNested { nested += 1 }
    var ready: [Int] = []
    var stack = Array(goals)
    while let node = stack.popLast() {
      guard phases[node] == .idle else { continue }
      phases[node] = .waiting
      waiting += 1
      var open: Int32 = 0
      for dependency in dependencies[node].lazy.map(Int.init) where phases[dependency] != .started {
        open += 1
        if phases[dependency] == .idle { stack.append(dependency) }
      }
      pending[node] = open
      if open == 0 { ready.append(node) }
    }
    return handOut(ready)
  }

  /// A node in flight has got the value that it asked for, or an error. Returns what can be built now.
  mutating func endNested() -> [Int] {
    nested -= 1
    return handOut([])
  }

  mutating func didStart(_ node: Int, hasStopWork: Bool) -> [Int] {
    phases[node] = .started
    self.hasStopWork[node] = hasStopWork
    startOrder.append(node)
    inFlight -= 1
    var ready: [Int] = []
    for dependent in dependents[node].lazy.map(Int.init) where phases[dependent] == .waiting {
      pending[dependent] -= 1
      if pending[dependent] == 0 { ready.append(dependent) }
    }
    return handOut(ready)
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
  mutating func next() -> [Int] { handOut([]) }

  /// Gives up on all nodes that have not been handed out. Returns them.
  mutating func abandonWaiting() -> [Int] {
    queue = []
    var abandoned: [Int] = []
    for node in phases.indices where phases[node] == .waiting {
      phases[node] = .idle
      abandoned.append(node)
    }
    waiting = 0
    return abandoned
  }

  // MARK: Stopping

  /// Turns round: from now on nodes are handed out to be stopped, dependents before what they depend on.
  mutating func beginStop() -> [Int] {
    toStop = startOrder.count
    if isSerial { return nextToStop() }
    for node in startOrder {
      pending[node] = Int32(dependents[node].count { phases[Int($0)] == .started })
      if let holders = lazyHolders[node] { pending[node] += Int32(holders.count { phases[$0] == .started }) }
    }
    return releasing(startOrder.filter { pending[$0] == 0 })
  }

  mutating func didStop(_ node: Int) -> [Int] {
    inFlight -= 1
    if isSerial {
      phases[node] = .stopped
      toStop -= 1
      return nextToStop()
    }
    return releasing(markStopped(node))
  }

  private mutating func markStopped(_ node: Int) -> [Int] {
    phases[node] = .stopped
    toStop -= 1
    var free: [Int] = []
    for dependency in dependencies[node].lazy.map(Int.init) where phases[dependency] == .started {
      pending[dependency] -= 1
      if pending[dependency] == 0 { free.append(dependency) }
    }
    for dependency in lazyTargets[node] ?? [] where phases[dependency] == .started {
      pending[dependency] -= 1
      if pending[dependency] == 0 { free.append(dependency) }
    }
    return free
  }

  /// Passes at once through nodes that have nothing to do at stop; most have not.
  private mutating func releasing(_ nodes: [Int]) -> [Int] {
    var ready: [Int] = []
    var free = nodes
    while let node = free.popLast() {
      if hasStopWork[node] {
        phases[node] = .stopping
        inFlight += 1
        ready.append(node)
      } else {
        free += markStopped(node)
      }
    }
    return ready
  }

  private mutating func nextToStop() -> [Int] {
    while let node = startOrder.popLast() {
      if hasStopWork[node] {
        phases[node] = .stopping
        inFlight += 1
        return [node]
      }
      phases[node] = .stopped
      toStop -= 1
    }
    return []
  }

  /// What has started and not stopped, the last first.
  var unstopped: [Int] { phases.indices.reversed().filter { phases[$0] == .started || phases[$0] == .stopping } }

  /// Waits for nothing any more: everything counts as stopped.
  mutating func giveUp() {
    for node in unstopped { phases[node] = .stopped }
    startOrder = []
    (inFlight, toStop, waiting) = (0, 0, 0)
  }

  // MARK: Serial order

  private mutating func handOut(_ ready: [Int]) -> [Int] {
    var ready = ready
    if isSerial {
      queue += ready
      queue.sort { rank[$0] > rank[$1] }
      guard inFlight <= nested, let next = queue.popLast() else { return [] }
      ready = [next]
    }
    for node in ready { phases[node] = .starting }
    waiting -= ready.count
    inFlight += ready.count
    return ready
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
