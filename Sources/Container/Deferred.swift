/// A value that can be asked for later: what `Lazy` and `Factory` share. It does not keep the app alive.
final class Deferred: Sendable {
  private weak let engine: Engine?
  private let source: Plan.Source
  private let scope: ScopeStorage?
  private let slot: Slot?

  init(_ injector: Injector, _ source: Plan.Source) {
    engine = injector.engine
    self.source = source
    scope = injector.scope
    slot = source.lifetime == .singleton ? injector.engine.slots[source.slot] : nil
  }

  /// The value, if it is a singleton that is there already.
  var built: AnyBox? { slot?.value }

  func box() async throws -> AnyBox {
    guard let engine else { throw ContainerError.appGone() }
    return try await engine.value(of: source, in: scope)
  }
}
