/// Calls constructors: the only place that does.
///
/// It is called when everything a node needs is there, and does not know how that came about.
struct Resolver: Sendable {
  let engine: Engine

  /// Constructs the value of `node` from its dependencies.
  func construct(_ node: Int, in scope: ScopeStorage?) async throws -> Made {
    let plan = engine.plan
    var injector = Injector(engine: engine, node: node, scope: scope)
    if plan.nodes[node].wantsLifecycle { injector.lifecycle = Lifecycle() }
    if plan.nodes[node].hasTransients { injector.transients = try await transients(of: node, in: scope) }
    var made = try await plan.declarations[node].make(injector)
    if let lifecycle = injector.lifecycle { made.hooks = lifecycle.drain() + made.hooks }
    return made
  }

  /// Each parameter that asks for a transient value gets one of its own.
  private func transients(of node: Int, in scope: ScopeStorage?) async throws -> [Injector.Place: AnyBox] {
    var transients: [Injector.Place: AnyBox] = [:]
    for (parameter, binding) in engine.plan.nodes[node].bindings.enumerated() {
      for (member, source) in binding.sources.enumerated() where source.lifetime == .transient {
        let made = try await construct(source.node, in: scope)
        transients[Injector.Place(parameter: parameter, member: member)] = made.output(source.output)
      }
    }
    return transients
  }
}
