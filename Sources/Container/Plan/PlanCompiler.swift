/// Makes a `Plan` out of what the modules declared. Pure: it calls no constructor and finds every fault.
struct PlanCompiler {
  private var plan: Plan
  private let places: [Int]
  private var missing: [(Requirement, askers: [Int])] = []
  private var missingIndex: [Requirement: Int] = [:]
  /// Direct dependencies of every node, of any lifetime.
  private var direct = Edges()
  /// What each override stands in for: the first provider of its key.
  private var replaced: [Int: Int] = [:]
  private var lazyEdges: [(from: Int, to: Int)] = []
  /// Where the `lazyEdges` of each node lead.
  private var later: [Int: [Int]] = [:]
  /// Nodes that ask for a `ScopeFactory`.
  private var scopeOpeners: [Int] = []
  /// Transient nodes that ask for the `Scope` itself.
  private var scopeAskers: Set<Int> = []

  static func compile(_ registry: Registry) -> Plan {
    var compiler = PlanCompiler(registry)
    compiler.collectOffers()
    compiler.collectDecorators()
    compiler.bindParameters()
    compiler.connect()
    return compiler.plan
  }

  private init(_ registry: Registry) {
    plan = Plan(
      declarations: registry.declarations, modules: registry.modules,
      lookup: Lookup(parents: registry.modules.map(\.parent)))
    places = registry.places
    plan.nodes.reserveCapacity(registry.declarations.count)
    plan.lookup.offers.reserveCapacity(registry.declarations.count)
    plan.lookup.table = KeyTable(minimumCapacity: registry.declarations.count)
  }

  // MARK: Offers

  private mutating func collectOffers() {
    for (node, place) in places.enumerated() {
      let declaration = plan.declarations[node]
      plan.nodes.append(
        Plan.Node(
          module: place, kind: declaration.kind, lifetime: declaration.lifetime,
          outputCount: declaration.outputs.count, isEager: declaration.isEager,
          isScopeInput: declaration.isScopeInput))
    }
    let overrides = collectOverrides()
    var overridden: Set<Key> = []
    var overriddenBy: [Int: [Int]] = [:]
    for node in plan.nodes.indices where plan.nodes[node].kind == .provide || plan.nodes[node].kind == .supply {
      let declaration = plan.declarations[node]
      assignSlots(node)
      var count = 0
      for (output, key) in declaration.outputs.enumerated() {
        var source = source(node, output)
        if !overrides.isEmpty, !declaration.isGrouped, let override = overrides[key] {
          if overridden.insert(key).inserted {
            plan.nodes[override].lifetime = declaration.lifetime
            assignSlots(override)
            replaced[override] = node
            refuseHooks(override)
          }
          overriddenBy[override, default: []].append(node)
          if declaration.isEager { plan.nodes[override].isEager = true }
          if declaration.isScopeInput { plan.nodes[override].isScopeInput = true }
          source = self.source(override, 0)
          count += 1
        }
        offer(
          Lookup.Offer(
            key: key, source: source, declared: node, module: plan.nodes[node].module, isPrivate: declaration.isPrivate,
            order: declaration.groupOrder), grouped: declaration.isGrouped)
      }
      if count > 0, count == declaration.outputs.count { plan.nodes[node].isReplaced = true }
      refuseHooks(node)
    }
    for (override, nodes) in overriddenBy.sorted(by: { $0.key < $1.key })
    where nodes.contains(where: { plan.nodes[$0].lifetime != plan.nodes[override].lifetime }) {
      plan.faults.append(.overrideOfSeveral(override, declarations: nodes))
    }
    for (key, override) in overrides.sorted(by: { $0.value < $1.value }) where !overridden.contains(key) {
      plan.faults.append(.nothingToOverride(key, declaration: override))
    }
    for key in plan.lookup.groups.keys {
      // Stable: members of one order stay in the order of the modules.
      plan.lookup.groups[key]?.sort { ($0.order, $0.source.node) < ($1.order, $1.source.node) }
    }
  }

  /// Nobody would run the hooks of a transient value. Those of a replaced provider are as if they had not been written.
  private mutating func refuseHooks(_ node: Int) {
    guard plan.nodes[node].lifetime == .transient, !plan.nodes[node].isReplaced else { return }
    if !plan.declarations[node].hooks.isEmpty {
      plan.faults.append(.hooksOnTransient(node, replacing: replaced[node]))
    }
  }

  /// The override of each key; the last one wins, those before it are as if they had not been written.
  private mutating func collectOverrides() -> [Key: Int] {
    var overrides: [Key: Int] = [:]
    for node in plan.nodes.indices where plan.nodes[node].kind == .override {
      if let earlier = overrides.updateValue(node, forKey: plan.declarations[node].outputs[0]) {
        plan.nodes[earlier].isReplaced = true
      }
    }
    return overrides
  }

  private mutating func offer(_ offer: Lookup.Offer, grouped: Bool) {
    if grouped {
      plan.lookup.groups[offer.key, default: []].append(offer)
    } else if offer.isPrivate {
      let other = plan.lookup.special[offer.key, default: .init()].hidden.updateValue(offer, forKey: offer.module)
      if let other { duplicate(offer.key, other.declared, offer.declared) }
    } else {
      plan.lookup.offers.append(offer)
      if let other = plan.lookup.table.insert(plan.lookup.offers.count - 1, for: offer.key) {
        duplicate(offer.key, plan.lookup.offers[other].declared, offer.declared)
      }
    }
  }

  private mutating func duplicate(_ key: Key, _ first: Int, _ second: Int) {
    for (index, fault) in plan.faults.enumerated() {
      if case .duplicate(key, var declarations) = fault {
        if !declarations.contains(first) { declarations.append(first) }
        declarations.append(second)
        plan.faults[index] = .duplicate(key, declarations: declarations)
        return
      }
    }
    plan.faults.append(.duplicate(key, declarations: [first, second]))
  }

  private mutating func assignSlots(_ node: Int) {
    let count = plan.nodes[node].outputCount
    switch plan.nodes[node].lifetime {
    case .singleton:
      plan.nodes[node].firstSlot = plan.singletonSlots
      plan.singletonSlots += count
    case .scoped:
      plan.nodes[node].firstSlot = plan.scopedSlots
      plan.scopedSlots += count
    case .transient: break
    }
  }

  private func source(_ node: Int, _ output: Int) -> Plan.Source {
    Plan.Source(
      node: node, output: output, slot: plan.nodes[node].firstSlot + output, lifetime: plan.nodes[node].lifetime)
  }

  // MARK: Decorators

  /// A decorated value lives as long as the value it decorates; outer modules come first, so that is known by then.
  private mutating func collectDecorators() {
    let decorators = plan.nodes.indices.filter { plan.nodes[$0].kind == .decorate }
    for node in decorators.sorted(by: { (plan.nodes[$0].module, $0) < (plan.nodes[$1].module, $1) }) {
      let (key, module) = (plan.declarations[node].outputs[0], plan.nodes[node].module)
      let group = (key.type as? any GroupType.Type)?.elementKey
      if let source = plan.lookup.source(of: key, from: module) {
        plan.nodes[node].lifetime = source.lifetime
      } else if let group {
        let members = plan.lookup.members(of: group, from: module)
        plan.nodes[node].lifetime = members.contains { $0.lifetime == .scoped } ? .scoped : .singleton
      } else {
        plan.faults.append(.nothingToDecorate(key, declaration: node))
        plan.nodes[node].isReplaced = true
        continue
      }
      assignSlots(node)
      plan.lookup.special[key, default: .init()].decorators[module, default: []].append(source(node, 0))
    }
  }

  // MARK: Parameters

  private mutating func bindParameters() {
    var needed: [Int] = []
    plan.bindings.reserveCapacity(plan.nodes.count)
    direct.reserve(plan.nodes.count)
    for node in plan.nodes.indices {
      needed.removeAll(keepingCapacity: true)
      guard !plan.nodes[node].isReplaced else {
        direct.append([])
        continue
      }
      let requirements = plan.declarations[node].requirements
      plan.nodes[node].firstBinding = plan.bindings.count
      plan.nodes[node].bindingCount = requirements.count
      for requirement in requirements {
        let binding = bind(requirement, of: node)
        plan.bindings.append(binding)
        switch binding {
        case .source(let source), .optional(let source): needed.append(source.node)
        case .group(let sources): needed.append(contentsOf: sources.lazy.map(\.node))
        case .lazy(let source), .factory(let source): lazyEdges.append((node, source.node))
        case .builtin, .absent: break
        }
        note(binding, of: node, requirement)
      }
      direct.append(needed)
    }
    for edge in lazyEdges { later[edge.from, default: []].append(edge.to) }
    // The most wanted first: it is the likeliest root of the others.
    let ordered = missing.enumerated().sorted {
      ($1.element.askers.count, $0.offset) < ($0.element.askers.count, $1.offset)
    }
    plan.faults += ordered.map { .missing($0.element.0, askers: $0.element.askers) }
  }

  private mutating func bind(_ requirement: Requirement, of node: Int) -> Plan.Binding {
    let module = plan.nodes[node].module
    let decorator = plan.nodes[node].kind == .decorate ? node : nil
    if let whole = requirement.whole, let provided = plan.lookup.source(of: whole, from: module, inside: decorator) {
      noteLeftOut(requirement, provided, node)
      // A provider of `T?` gives the parameter itself; any other, what an optional parameter wraps.
      return requirement.isOptional && requirement.access != .value ? .optional(provided) : .source(provided)
    }
    switch requirement.access {
    case .lifecycle:
      plan.nodes[node].wantsLifecycle = true
      if plan.nodes[node].lifetime == .transient {
        plan.faults.append(.hooksOnTransient(node, replacing: replaced[node]))
      }
      return .builtin
    case .scope:
      switch plan.nodes[node].lifetime {
      case .singleton: plan.faults.append(.scopeInSingleton(node))
      case .transient: scopeAskers.insert(node)
      case .scoped: break
      }
      return .builtin
    case .scopeFactory:
      scopeOpeners.append(node)
      plan.nodes[node].mayAskLater = true
      return .builtin
    case .appControl, .shutdownSignal:
      return .builtin
    case .group:
      let members = plan.lookup.members(of: requirement.key, from: module)
      // A wrapper is no value that somebody provides, so this would be empty and nobody would know why.
      if members.isEmpty, requirement.key.type is any Injectable.Type {
        if requirement.isOptional { return .absent }
        plan.faults.append(.groupOfWrappers(requirement.key, asker: node))
      }
      return .group(members)
    case .value, .lazy, .factory:
      guard let source = plan.lookup.source(of: requirement.key, from: module, inside: decorator) else {
        if requirement.isOptional {
          plan.notes.append(.absentButSimilar(requirement, asker: node))
          return .absent
        }
        recordMissing(requirement, node)
        return .absent
      }
      switch requirement.access {
      case .lazy:
        plan.nodes[node].mayAskLater = true
        return .lazy(source)
      case .factory:
        plan.nodes[node].mayAskLater = true
        if source.lifetime != .transient { plan.faults.append(.factoryOfShared(node: node, of: source.node)) }
        return .factory(source)
      default: return requirement.isOptional ? .optional(source) : .source(source)
      }
    }
  }

  /// A group that is decorated is the one that the decorator sees: what is private below that is not in it.
  private mutating func noteLeftOut(_ requirement: Requirement, _ decorated: Plan.Source, _ node: Int) {
    guard requirement.access == .group, plan.nodes[decorated.node].kind == .decorate else { return }
    let within = plan.lookup.members(of: requirement.key, from: plan.nodes[decorated.node].module)
    let seen = plan.lookup.members(of: requirement.key, from: plan.nodes[node].module)
    for member in seen where !within.contains(member) {
      plan.notes.append(.leftOut(member.node, decorator: decorated.node, asker: node))
    }
  }

  private mutating func recordMissing(_ requirement: Requirement, _ node: Int) {
    var plain = requirement
    plain.access = .value
    plain.whole = nil
    if let index = missingIndex[plain] {
      if missing[index].askers.last != node { missing[index].askers.append(node) }
    } else {
      missingIndex[plain] = missing.count
      missing.append((plain, [node]))
    }
  }

  private mutating func note(_ binding: Plan.Binding, of node: Int, _ requirement: Requirement) {
    switch binding {
    case .source(let source), .optional(let source):
      if source.lifetime == .transient { plan.nodes[node].hasTransients = true }
    case .group(let sources):
      if sources.contains(where: { $0.lifetime == .transient }) { plan.nodes[node].hasTransients = true }
    case .lazy, .factory, .builtin, .absent: break
    }
  }

  // MARK: Order

  private mutating func connect() {
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
