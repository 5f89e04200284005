/// A value that can be asked for later: what `Lazy` and `Factory` share. It does not keep the app alive.
final class Deferred: Sendable {
  private weak let engine: Engine?
  private let source: Plan.Source
  /// Weak, for the scope keeps the values that keep this.
  private weak let scope: ScopeStorage?
  private let hasScope: Bool
  /// The value once it has been asked for, if it is a singleton. Its own: the slots of the app keep every other value too.
  private let cache = Slots(count: 1)

  init(_ engine: Engine, _ source: Plan.Source, _ scope: ScopeStorage?) {
    self.engine = engine
    self.source = source
    self.scope = scope
    hasScope = scope != nil
  }

  convenience init(_ injector: Injector, _ source: Plan.Source) {
    self.init(injector.engine, source, injector.scope)
  }

  /// The value, if it is a singleton that has been asked for before.
  var built: Unmanaged<AnyBox>? { cache.unretained(0) }

  func box() async throws -> AnyBox {
    guard let engine else { throw ContainerError.appGone() }
    try engine.checkIsOpen(source)
    let scope = scope
    if hasScope, scope == nil, source.lifetime != .singleton {
      throw ContainerError.scopeOver(engine.plan.origin(source.node))
    }
    let box = try await engine.value(of: source, in: scope)
    if source.lifetime == .singleton { cache.fill(0, box) }
    return box
  }
}
