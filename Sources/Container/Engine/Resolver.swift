/// Calls constructors: the only place that does.
///
/// It is called when everything a node needs is there, and does not know how that came about.
struct Resolver: Sendable {
  let engine: Engine

  /// Constructs the value of `node` from its dependencies.
  nonisolated(nonsending) func construct(_ node: Int, in scope: ScopeStorage?) async throws -> Made {
    var injector = Injector(engine: engine, node: node)
    let (wantsLifecycle, hasTransients) = (
      engine.plan.nodes[node].wantsLifecycle, engine.plan.nodes[node].hasTransients
    )
    guard wantsLifecycle || hasTransients || scope != nil else {
      return try await engine.plan.declarations[node].construct(injector)
    }
    let lifecycle = wantsLifecycle ? Lifecycle() : nil
    let transients = hasTransients ? try await transients(of: node, in: scope) : [:]
    injector.extras = Injector.Extras(scope: scope, transients: transients, lifecycle: lifecycle)
    var made = try await engine.plan.declarations[node].construct(injector)
    if let lifecycle { made.hooks = lifecycle.drain() + made.hooks }
    return made
  }

  /// Each parameter that asks for a transient value gets one of its own.
  private nonisolated(nonsending) func transients(
    of node: Int, in scope: ScopeStorage?
  ) async throws -> [Injector.Place: AnyBox] {
    var transients: [Injector.Place: AnyBox] = [:]
    for (parameter, binding) in engine.plan.bindings(of: node).enumerated() {
      for (member, source) in binding.sources.enumerated() where source.lifetime == .transient {
        let made = try await construct(source.node, in: scope)
        transients[Injector.Place(parameter: parameter, member: member)] = made.output(source.output)
      }
    }
    return transients
  }
}
