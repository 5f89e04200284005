/// Makes a `Plan` out of what the modules declared. Pure: it calls no constructor and finds every fault.
struct PlanCompiler {
  var plan: Plan
  private let places: [Int]
  private var missing: [(Requirement, askers: [Int])] = []
  private var missingIndex: [Requirement: Int] = [:]
  /// Direct dependencies of every node, of any lifetime.
  var direct = Edges()
  /// What each override stands in for: the first provider of its key.
  private var replaced: [Int: Int] = [:]
  var lazyEdges: [(from: Int, to: Int)] = []
  /// Where the `lazyEdges` of each node lead.
  var later: [Int: [Int]] = [:]
  /// Nodes that ask for a `ScopeFactory`.
  var scopeOpeners: [Int] = []
  /// Transient nodes that ask for the `Scope` itself.
  var scopeAskers: Set<Int> = []

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
        let members = plan.lookup.members(of: group, from: module).map(\.lifetime)
        // Whoever asks for the group gets transient members of its own, decorated or not.
        plan.nodes[node].lifetime =
          members.contains(.transient) ? .transient : members.contains(.scoped) ? .scoped : .singleton
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
}
