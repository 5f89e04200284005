/// A value that can be asked for later: what `Lazy` and `Factory` share. It does not keep the app alive.
final class Deferred: Sendable {
  private weak let engine: Engine?
  private let source: Plan.Source
  private let scope: ScopeStorage?

  init(_ injector: Injector, _ source: Plan.Source) {
    engine = injector.engine
    self.source = source
    scope = injector.scope
  }

  func box() async throws -> AnyBox {
    guard let engine else { throw ContainerError.appGone() }
    return try await engine.value(of: source, in: scope)
  }
}
