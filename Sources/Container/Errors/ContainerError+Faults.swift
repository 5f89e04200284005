extension ContainerError {
  /// Everything that is wrong with a plan, root causes first.
  static func invalid(_ plan: Plan) -> ContainerError {
    let faults = plan.faults.map { ContainerError($0, plan) }
    let count = faults.count == 1 ? "one fault" : "\(faults.count) faults"
    return ContainerError(.invalidGraph, "the app has \(count)", related: faults)
  }

  init(_ fault: Fault, _ plan: Plan) {
    switch fault {
    case .missing(let requirement, let askers):
      let isTag = (requirement.key.type as? any TaggedType.Type) != nil && !plan.byType(requirement.key).isEmpty
      let suggestions = plan.suggestions(for: requirement)
      let name = requirement.key.description
      let isExistential = name.hasPrefix("any ")
      let isComposed = requirement.key.type is any ComposedType.Type
      let help =
        plan.offeringModule(of: requirement.key).map { "\($0) provides it: list it among the app's modules" }
        ?? (isComposed
          ? "`\(name)` is made for the parameter that asks: ask for it itself, not for a Lazy, Factory or Tagged of it"
          : "provide it in a module\(isExistential ? ", bound with .as((\(name)).self) { $0 }" : ""), "
            + "or ask for `\(isExistential ? "(\(name))" : name)?` if it may be absent")
      let helps = isExistential ? [help] + plan.unasked(for: name, by: askers) : [help]
      let unused =
        plan.areUnused(askers)
        ? [
          askers.count == 1
            ? "`\(plan.name(askers[0]))` is unused (no Invoke, Run or scope reaches it): it may be deleted instead"
            : "who asks is unused (no Invoke, Run or scope reaches them): they may be deleted instead"
        ] : []
      let more = askers.count > 5 ? ["and \(askers.count - 4) more"] : []
      self.init(
        isTag ? .unreachableTag : .missingProvider, "nobody provides `\(requirement.description)`",
        details: askers.prefix(more.isEmpty ? 5 : 4).map { "asked for by \(plan.origin($0))" } + more
          + plan.chain(to: askers[0]) + (suggestions.isEmpty ? helps : suggestions) + unused,
        origin: plan.origin(askers[0]))
    case .duplicate(let key, let declarations):
      self.init(
        .duplicateProvider, "`\(key)` is provided \(declarations.count) times",
        details: declarations.listed { "at \(plan.origin($0).location) in \(plan.origin($0).module)" }
          + [plan.remedy(forSeveral: declarations, of: key)],
        origin: plan.origin(declarations[0]))
    case .cycle(let nodes):
      self.init(
        .cyclicDependency, "a cycle: " + (nodes + [nodes[0]]).listed { "`\(plan.name($0))`" }.joined(separator: " → "),
        details: nodes.listed { "\(plan.origin($0))" } + [plan.remedy(forCycle: nodes)],
        origin: plan.origin(nodes[0]))
    case .captive(let path):
      self.init(
        .captiveDependency,
        "`\(plan.name(path[0]))` lives as long as the app and needs `\(plan.name(path[path.count - 1]))`, which lives in a scope",
        details: path.map { "\(plan.origin($0))" } + [
          (plan.choosesLifetime(path[0]) ? "make the first .lifetime(.scoped), or " : "")
            + "open a scope where the value is used: ScopeFactory"
        ], origin: plan.origin(path[0]))
    case .scopeInSingleton(let node):
      self.init(
        .captiveDependency, "`\(plan.name(node))` lives as long as the app and asks for `Scope`",
        details: [
          "\(plan.origin(node))",
          "ask for ScopeFactory" + (plan.choosesLifetime(node) ? ", or make it .lifetime(.scoped)" : ""),
        ],
        origin: plan.origin(node))
    case .hooksOnTransient(let node, let replaced):
      let remedy =
        replaced.map { ["it lives as long as what it overrides: \(plan.origin($0))", "drop the hooks"] }
        ?? [
          plan.choosesLifetime(node)
            ? "make it a singleton or scoped, or drop the hooks"
            : "it lives as long as what it decorates: drop the hooks"
        ]
      self.init(
        .hooksOnTransient, "`\(plan.name(node))` is transient and has hooks, which nobody would run",
        details: ["\(plan.origin(node))"] + remedy, origin: plan.origin(node))
    case .factoryOfShared(let node, let target):
      self.init(
        .factoryOfShared, "`\(plan.name(node))` asks for `Factory<\(plan.name(target))>`, which is not transient",
        details: [
          "\(plan.origin(node))", "\(plan.origin(target))",
          (plan.choosesLifetime(target) ? "declare it .lifetime(.transient), or " : "") + "ask for Lazy",
        ], origin: plan.origin(node))
    case .groupOfWrappers(let element, let node):
      self.init(
        .missingProvider, "nobody contributes to `Group<\(element)>`",
        details: ["asked for by \(plan.origin(node))", ContainerError.remedy(forGroupOf: element)],
        origin: plan.origin(node))
    case .overrideOfSeveral(let node, let declarations):
      self.init(
        .ambiguousOverride,
        "`\(plan.name(node))` is overridden by one `Override`, but its providers have different lifetimes",
        details: ["\(plan.origin(node))"]
          + declarations.listed { "\(plan.nodes[$0].lifetime): \(plan.origin($0))" }
          + ["give these one lifetime, or tell them apart with .tagged(…) and override each"],
        origin: plan.origin(node))
    case .nothingToDecorate(let key, let node):
      let suggestions = plan.suggestions(for: Requirement(key: key, access: .value), to: .decorate)
      self.init(
        .nothingToDecorate, "nobody provides `\(key)`, which is decorated",
        details: ["\(plan.origin(node))"] + (suggestions.isEmpty ? ["provide it, or drop the Decorate"] : suggestions),
        origin: plan.origin(node))
    case .nothingToOverride(let key, let node):
      let suggestions = plan.suggestions(for: Requirement(key: key, access: .value), to: .override)
      self.init(
        .nothingToOverride, "nobody provides `\(key)`, which is overridden",
        details: ["\(plan.origin(node))"] + (suggestions.isEmpty ? [plan.remedy(forOverride: key)] : suggestions),
        origin: plan.origin(node))
    }
  }
}

extension ContainerError {
  /// What to ask for in place of a group of wrappers.
  static func remedy(forGroupOf element: Key) -> String {
    let wrapped = Requirement.of(element.type).key
    guard wrapped != element else { return "ask for `\(element)` itself" }
    return "ask for `Group<\(wrapped)>`, which has the values themselves; "
      + "or contribute wrappers: Provide { (value: \(element)) in value }.grouped()"
  }
}

extension Plan {
  /// Whether a node says how long it lives. An `Override` and a `Decorate` live as long as what they change, any other for ever.
  fileprivate func choosesLifetime(_ node: Int) -> Bool { nodes[node].kind == .provide && !nodes[node].isScopeInput }

  fileprivate func remedy(forOverride key: Key) -> String {
    if key.type is any GroupType.Type { return "a group is made of its members: change the whole by Decorate of it" }
    if key.type is any ComposedType.Type { return "it is made for the parameter that asks: override what is in it" }
    return "provide it, or drop the Override"
  }

  fileprivate func remedy(forCycle nodes: [Int]) -> String {
    // Of one value: decorators may stand between what asks for it and that.
    guard Set(nodes.map { declarations[$0].outputs.first }).count == 1 else {
      return "break it with Lazy<…> at one of these places"
    }
    return nodes.contains { declarations[$0].kind == .override }
      ? "what an Override replaces is gone: to change a value rather than replace it, use Decorate"
      : "it asks for what it provides: to change a value that is provided elsewhere, use Decorate"
  }

  fileprivate func remedy(forSeveral declarations: [Int], of key: Key) -> String {
    if key == Key(Void.self) { return "a constructor that returns nothing provides nothing: call it with Invoke" }
    let sites = declarations.map { self.declarations[$0].site.location }
    let modules = Set(declarations.map { nodes[$0].module })
    let isOneLine = sites.allSatisfy { $0 == sites[0] }
    guard isOneLine, modules.count == declarations.count, let owner = modules.max() else {
      return "keep one, or tell them apart with .tagged(…), or collect them with .grouped()"
    }
    return "`\(self.modules[owner].name)` is included more than once: include it once, or make the provider .private()"
  }
}

extension Array {
  /// As many lines as fit on a screen with others: the first ones, how many are left out, and the last.
  func listed(_ text: (Element) -> String) -> [String] {
    guard count > 12 else { return map(text) }
    return prefix(9).map(text) + ["… \(count - 10) more …", text(self[count - 1])]
  }
}
