/// What comes before what, who may ask for what later, and which orders cannot be kept.
extension PlanCompiler {
  mutating func connect() {
    let analysis = GraphAnalysis(edges: direct, count: plan.nodes.count)
    for cycle in analysis.cycles { plan.faults.append(.cycle(cycle)) }
    findCaptives()
    collectRoots()
    guard analysis.cycles.isEmpty else {
      // Nothing can be built in order, but errors still say who asked for what.
      plan.dependencies = direct
      plan.dependents = analysis.dependents
      return
    }
    if plan.nodes.contains(where: { $0.lifetime != .singleton }) {
      plan.dependencies = scheduled(analysis.order)
      plan.dependents = plan.dependencies.reversed()
    } else {
      plan.dependencies = direct
      plan.dependents = analysis.dependents
    }
    collectScopedNeeds(analysis.order)
    collectScopedUsers()
    keepHolders()
    collectScopeOpeners(analysis.dependents)
    collectScopeNeeds()
    collectRecursive()
  }

  /// Which singletons each node needs: transient and scoped values in between are replaced by what they need.
  private func scheduled(_ order: [Int]) -> Edges {
    var lists = [[Int]](repeating: [], count: plan.nodes.count)
    // Each once: with every layer of values that share what they need there would be twice as many.
    var listed = [Int](repeating: -1, count: plan.nodes.count)
    for node in order {
      var list: [Int] = []
      func add(_ singleton: Int) {
        guard listed[singleton] != node else { return }
        listed[singleton] = node
        list.append(singleton)
      }
      for case let next in direct[node].lazy.map(Int.init) {
        if plan.nodes[next].lifetime == .singleton { add(next) } else { lists[next].forEach(add) }
      }
      lists[node] = list
    }
    var edges = Edges()
    for list in lists { edges.append(list) }
    return edges
  }

  /// Which scoped values the constructor of each node needs, those of the transient values it takes included.
  private mutating func collectScopedNeeds(_ order: [Int]) {
    guard plan.scopedSlots > 0 else { return }
    for node in order where plan.nodes[node].lifetime != .singleton {
      var needs: [Plan.Source] = []
      var listed: Set<Plan.Source> = []
      for sources in plan.bindings(of: node).map(\.sources) {
        for source in sources {
          switch source.lifetime {
          case .singleton: break
          case .scoped: if listed.insert(source).inserted { needs.append(source) }
          case .transient: needs += (plan.scopedNeeds[source.node] ?? []).filter { listed.insert($0).inserted }
          }
        }
      }
      if !needs.isEmpty { plan.scopedNeeds[node] = needs }
    }
  }

  /// In scopes too, who may ask for a value later stops before it, unless the value needs whoever asks.
  private mutating func collectScopedUsers() {
    guard plan.scopedSlots > 0, !lazyEdges.isEmpty else { return }
    var users: [Int: [Int]] = [:]
    let scoped = plan.nodes.indices.filter { plan.nodes[$0].lifetime == .scoped }
    for node in scoped { for source in plan.scopedNeeds[node] ?? [] { users[source.node, default: []].append(node) } }
    var hasHolders = false
    for holder in scoped {
      let askedLater = scopedNeighbours(of: holder).filter { users[$0]?.contains(holder) != true }
      guard !askedLater.isEmpty else { continue }
      let using = using(holder, users)
      for node in askedLater where !using.contains(node) {
        users[node, default: []].append(holder)
        hasHolders = true
      }
    }
    if hasHolders { plan.scopedUsers = users }
  }

  /// A value of a scope, those that need it, those that need these, and so on.
  private func using(_ node: Int, _ users: [Int: [Int]]) -> Set<Int> {
    var using: Set<Int> = []
    var stack = [node]
    while let next = stack.popLast() {
      if using.insert(next).inserted { stack += users[next] ?? [] }
    }
    return using
  }

  /// The values of its scope that a node needs or may ask for later, by way of transient ones too.
  private func scopedNeighbours(of node: Int) -> [Int] {
    var (found, seen, stack): ([Int], Set<Int>, [Int]) = ([], [node], [node])
    while let next = stack.popLast() {
      for neighbour in neighbours(of: next) where seen.insert(neighbour).inserted {
        switch plan.nodes[neighbour].lifetime {
        case .scoped: found.append(neighbour)
        case .transient: stack.append(neighbour)
        case .singleton: break
        }
      }
    }
    return found
  }

  private mutating func collectRoots() {
    for node in plan.nodes.indices where !plan.nodes[node].isReplaced {
      switch plan.nodes[node].kind {
      case .invoke, .run: plan.roots.append(node)
      case .provide, .supply, .override, .decorate:
        guard plan.nodes[node].isEager else { continue }
        if plan.nodes[node].lifetime == .singleton {
          plan.roots.append(node)
        } else {
          plan.notes.append(.eagerInVain(node))
        }
      }
    }
    noteUnused()
  }

  private mutating func noteUnused() {
    var reached = [Bool](repeating: false, count: plan.nodes.count)
    // A scope's values are asked for by code, so nothing can say that they are not.
    var stack = plan.roots + plan.nodes.indices.filter { plan.nodes[$0].lifetime == .scoped }
    while let node = stack.popLast() {
      guard !reached[node] else { continue }
      reached[node] = true
      for place in direct.places(of: node) { stack.append(direct.neighbour(at: place)) }
      if !later.isEmpty { stack.append(contentsOf: later[node] ?? []) }
    }
    for node in plan.nodes.indices where !reached[node] && !plan.nodes[node].isReplaced {
      if plan.declarations[node].isOffered { continue }
      plan.notes.append(.unused(node))
    }
  }

  /// Whoever may ask for a value later should stop before it, unless the value needs whoever asks.
  private mutating func keepHolders() {
    guard !lazyEdges.isEmpty || !scopeOpeners.isEmpty else { return }
    let scoped = plan.nodes.indices.filter { plan.nodes[$0].lifetime == .scoped }
    var later = later
    for node in scopeOpeners { later[node, default: []] += scoped }
    for holder in plan.nodes.indices where plan.nodes[holder].lifetime == .singleton {
      guard later[holder] != nil || plan.nodes[holder].hasTransients else { continue }
      let held = held(by: holder, later)
      guard !held.isEmpty else { continue }
      let needing = needing([holder])
      for node in held where !needing.contains(node) {
        plan.lazyTargets[holder, default: []].append(node)
        plan.lazyHolders[node, default: []].append(holder)
      }
    }
  }

  /// Singletons that hold a `ScopeFactory`, by way of a transient value too, and all that stops before them.
  private mutating func collectScopeOpeners(_ dependents: Edges) {
    guard !scopeOpeners.isEmpty else { return }
    var holders: [Int: [Int]] = [:]
    for edge in lazyEdges { holders[edge.to, default: []].append(edge.from) }
    var (seen, stack): (Set<Int>, [Int]) = ([], scopeOpeners)
    var singletons: [Int] = []
    while let node = stack.popLast() {
      guard seen.insert(node).inserted else { continue }
      switch plan.nodes[node].lifetime {
      case .singleton: singletons.append(node)
      case .transient: stack += dependents[node].lazy.map(Int.init) + (holders[node] ?? [])
      case .scoped: break
      }
    }
    plan.scopeOpeners = needing(singletons)
  }

  /// Singletons that scoped values need or may ask for, and all that those need, but for what opens scopes itself.
  private mutating func collectScopeNeeds() {
    var seen: Set<Int> = []
    // A transient value that needs a scoped one is made in scopes alone.
    var stack = plan.nodes.indices.filter { plan.nodes[$0].lifetime == .scoped || plan.scopedNeeds[$0] != nil }
    while let node = stack.popLast() {
      guard seen.insert(node).inserted else { continue }
      if plan.nodes[node].lifetime == .singleton, !plan.scopeOpeners.contains(node) { plan.scopeNeeds.insert(node) }
      stack += neighbours(of: node)
    }
  }

  /// Transient values whose constructors may make another of the same, by `Factory` or `Lazy`.
  private mutating func collectRecursive() {
    let goals = Set(lazyEdges.map(\.to)).filter { plan.nodes[$0].lifetime == .transient }
    guard !goals.isEmpty else { return }
    var edges = Edges()
    for node in plan.nodes.indices { edges.append(neighbours(of: node)) }
    plan.recursive = goals.intersection(edges.knots().joined())
  }

  /// What a node needs, and what it may ask for later.
  private func neighbours(of node: Int) -> [Int] { direct[node].map(Int.init) + (later[node] ?? []) }

  /// The singletons that a node may ask for after it has been built: by `Lazy`, `Factory` or a scope, its own or those of the
  /// transient and scoped values that it gets.
  private func held(by holder: Int, _ later: [Int: [Int]]) -> [Int] {
    var (held, seen): ([Int], Set<Int>) = ([], [holder])
    var stack = [holder]
    while let node = stack.popLast() {
      let needs = direct[node].map(Int.init)
      for next in needs + (later[node] ?? []) where !seen.contains(next) {
        switch plan.nodes[next].lifetime {
        // What the holder itself needs is stopped after it in any case.
        case .singleton where node == holder && needs.contains(next): continue
        case .singleton: held.append(next)
        case .scoped, .transient: stack.append(next)
        }
        seen.insert(next)
      }
    }
    return held
  }

  /// What has to stop before any of `goals` does, with these.
  private func needing(_ goals: [Int]) -> Set<Int> {
    var needing: Set<Int> = []
    var stack = goals
    while let node = stack.popLast() {
      guard needing.insert(node).inserted else { continue }
      stack.append(contentsOf: plan.dependents[node].lazy.map(Int.init))
      stack.append(contentsOf: plan.lazyHolders[node] ?? [])
    }
    return needing
  }

  /// Paths from singletons to scoped values, through transient ones and through `Lazy` and `Factory`.
  private mutating func findCaptives() {
    guard !scopeAskers.isEmpty || plan.nodes.contains(where: { $0.lifetime == .scoped }) else { return }
    for node in plan.nodes.indices where plan.nodes[node].lifetime == .singleton {
      if let path = captive(from: node) { plan.faults.append(.captive(path)) }
    }
  }

  private func captive(from start: Int) -> [Int]? {
    var seen: Set<Int> = [start]
    var paths = [[start]]
    while let path = paths.popLast() {
      let node = path[path.count - 1]
      for next in neighbours(of: node) where seen.insert(next).inserted {
        switch plan.nodes[next].lifetime {
        case .scoped: return path + [next]
        case .transient where scopeAskers.contains(next): return path + [next]
        case .transient: paths.append(path + [next])
        case .singleton: break
        }
      }
    }
    return nil
  }
}
