extension Plan {
  /// What node `node` is, for people.
  func origin(_ node: Int) -> Origin {
    let declaration = declarations[node]
    return Origin(
      kind: declaration.kind.origin, name: name(node), module: modulePath(nodes[node].module),
      location: declaration.site.location)
  }

  func name(_ node: Int) -> String {
    let declaration = declarations[node]
    if let name = declaration.name { return name }
    if declaration.outputs.isEmpty {
      let verb =
        switch declaration.kind {
        case .run: "Run"
        case .invoke: "Invoke"
        case .supply: "Supply"
        case .provide, .override, .decorate: "Provide"
        }
      return verb + "(" + declaration.requirements.map(\.description).joined(separator: ", ") + ")"
    }
    return declaration.outputs.map(\.description).joined(separator: ", ")
  }

  /// `App/UsersModule/BillingModule`.
  func modulePath(_ module: Int) -> String {
    var names: [String] = []
    var current: Int? = module
    while let index = current {
      names.append(modules[index].name)
      current = modules[index].parent
    }
    return names.reversed().joined(separator: "/")
  }

  /// Who needs `node`, from the nearest to the root, one line each.
  func chain(to node: Int) -> [String] {
    var cameFrom: [Int: Int] = [:]
    var queue = [node]
    var next = 0
    let rootSet = Set(roots)
    var end: Int?
    while next < queue.count {
      let current = queue[next]
      next += 1
      if rootSet.contains(current) {
        end = current
        break
      }
      for dependent in dependents[current].lazy.map(Int.init) where cameFrom[dependent] == nil {
        cameFrom[dependent] = current
        queue.append(dependent)
      }
    }
    guard var current = end, current != node else { return [] }
    var path: [Int] = []
    while current != node {
      path.append(current)
      guard let previous = cameFrom[current] else { break }
      current = previous
    }
    return path.reversed().map { "needed by \(origin($0))" }
  }
}

extension Declaration.Kind {
  var origin: Origin.Kind {
    switch self {
    case .provide: .provide
    case .supply: .supply
    case .decorate: .decorate
    case .override: .override
    case .invoke: .invoke
    case .run: .run
    }
  }
}
