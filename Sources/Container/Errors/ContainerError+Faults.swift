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
      let help =
        "provide it in a module\(isExistential ? ", bound with .as((\(name)).self) { $0 }" : ""), "
        + "or ask for `\(isExistential ? "(\(name))" : name)?` if it may be absent"
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
          + plan.chain(to: askers[0]) + (suggestions.isEmpty ? [help] : suggestions) + unused,
        origin: plan.origin(askers[0]))
    case .duplicate(let key, let declarations):
      self.init(
        .duplicateProvider, "`\(key)` is provided \(declarations.count) times",
        details: declarations.map { "at \(plan.origin($0).location) in \(plan.origin($0).module)" }
          + ["keep one, or tell them apart with .tagged(…), or collect them with .grouped()"],
        origin: plan.origin(declarations[0]))
    case .cycle(let nodes):
      self.init(
        .cyclicDependency, "a cycle: " + (nodes + [nodes[0]]).map { "`\(plan.name($0))`" }.joined(separator: " → "),
        details: nodes.map { "\(plan.origin($0))" } + ["break it with Lazy<…> at one of these places"],
        origin: plan.origin(nodes[0]))
    case .captive(let path):
      self.init(
        .captiveDependency,
        "`\(plan.name(path[0]))` lives as long as the app and needs `\(plan.name(path[path.count - 1]))`, which lives in a scope",
        details: path.map { "\(plan.origin($0))" } + [
          "make the first .lifetime(.scoped), or open a scope where the value is used: ScopeFactory"
        ], origin: plan.origin(path[0]))
    case .scopeInSingleton(let node):
      self.init(
        .captiveDependency, "`\(plan.name(node))` lives as long as the app and asks for `Scope`",
        details: ["\(plan.origin(node))", "ask for ScopeFactory, or make it .lifetime(.scoped)"],
        origin: plan.origin(node))
    case .hooksOnTransient(let node, let replaced):
      let lifetime = replaced.map { "it lives as long as what it overrides: \(plan.origin($0))" }
      self.init(
        .hooksOnTransient, "`\(plan.name(node))` is transient and has hooks, which nobody would run",
        details: ["\(plan.origin(node))", lifetime ?? "make it a singleton or scoped, or drop the hooks"]
          + (lifetime == nil ? [] : ["drop the hooks"]),
        origin: plan.origin(node))
    case .factoryOfShared(let node, let target):
      self.init(
        .factoryOfShared, "`\(plan.name(node))` asks for `Factory<\(plan.name(target))>`, which is not transient",
        details: [
          "\(plan.origin(node))", "\(plan.origin(target))", "declare it .lifetime(.transient), or ask for Lazy",
        ], origin: plan.origin(node))
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
        details: ["\(plan.origin(node))"] + (suggestions.isEmpty ? ["provide it, or drop the Override"] : suggestions),
        origin: plan.origin(node))
    }
  }
}
