import Synchronization

extension Graph {
  init(_ engine: Engine) {
    let plan = engine.plan
    let (timings, appTiming) = engine.state.withLock { state in (state.records.map(\.timing), state.appTiming) }
    var unused: Set<Int> = []
    for case .unused(let node) in plan.notes { unused.insert(node) }
    let roots = Set(plan.roots)
    // Replaced elements are no part of the app.
    let kept = plan.nodes.indices.filter { !plan.nodes[$0].isReplaced }
    var index: [Int: Int] = [:]
    for (new, old) in kept.enumerated() { index[old] = new }
    let nodes = kept.map { node in
      Node(
        origin: plan.origin(node), module: plan.nodes[node].module, lifetime: plan.nodes[node].lifetime,
        isPrivate: plan.declarations[node].isPrivate, isGrouped: plan.declarations[node].isGrouped,
        isRoot: roots.contains(node), isUnused: unused.contains(node),
        timing: Timing(timings[node], since: appTiming.startBegan.time))
    }
    var edges: [Edge] = []
    for node in kept {
      for binding in plan.bindings(of: node) {
        for (target, kind) in binding.targets {
          if let from = index[node], let to = index[target] { edges.append(Edge(from: from, to: to, kind: kind)) }
        }
      }
    }
    let startDuration = appTiming.startEnded.time.flatMap { end in appTiming.startBegan.time.map { end - $0 } }
    self.init(
      name: engine.options.name,
      modules: plan.modules.map { Module(name: $0.module == nil ? engine.options.name : $0.name, parent: $0.parent) },
      nodes: nodes, edges: edges, startDuration: startDuration,
      criticalPath: Graph.criticalPath(
        nodes, needs: kept.map { old in plan.dependencies[old].compactMap { index[Int($0)] } }, within: startDuration))
  }

  /// From the node that started last back to whatever it waited for last, and so on.
  private static func criticalPath(_ nodes: [Node], needs: [[Int]], within start: Duration?) -> [Int] {
    guard let start else { return [] }
    func end(_ node: Int) -> Duration { nodes[node].timing?.started ?? .zero }
    guard var current = nodes.indices.filter({ end($0) <= start }).max(by: { end($0) < end($1) }), end(current) > .zero
    else { return [] }
    var path = [current]
    while let previous = needs[current].filter({ nodes[$0].timing?.started != nil }).max(by: { end($0) < end($1) }),
      !path.contains(previous)
    {
      path.append(previous)
      current = previous
    }
    return path.reversed()
  }
}

extension Graph.Timing {
  init?(_ timing: NodeTiming, since origin: Duration?) {
    guard let origin, let began = timing.buildBegan.time else { return nil }
    self.init(
      buildBegan: began - origin, hooksBegan: timing.buildEnded.time.map { $0 - origin },
      started: timing.startEnded.time.map { $0 - origin }, stopBegan: timing.stopBegan.time.map { $0 - origin },
      stopped: timing.stopEnded.time.map { $0 - origin })
  }
}

extension Plan.Binding {
  fileprivate var targets: [(Int, Graph.Edge.Kind)] {
    switch self {
    case .source(let source): [(source.node, .needs)]
    case .optional(let source): [(source.node, .optional)]
    case .group(let sources): sources.map { ($0.node, .group) }
    case .lazy(let source): [(source.node, .lazy)]
    case .factory(let source): [(source.node, .factory)]
    case .builtin, .absent: []
    }
  }
}
