/// Makes, checks and closes what a pool lends.
public protocol ResourceFactory: Sendable {
  /// What is lent.
  associatedtype Resource: Sendable

  /// Makes one. `onEnd` is to be called if the resource later ends by itself; not when the pool closes it.
  func make(onEnd: @escaping @Sendable () -> Void) async throws -> Resource

  /// Whether a resource that was idle for a while still works. Must not take long: an acquire waits for it.
  func check(_ resource: Resource) async -> Bool

  /// Ends a resource. Must not fail and must not take long.
  func close(_ resource: Resource) async

  /// Whether a failure to make one will last however long one waits (a wrong password, say). Default: no.
  func isPermanent(_ error: any Error) -> Bool
}

extension ResourceFactory {
  /// No failure is taken as lasting.
  public func isPermanent(_ error: any Error) -> Bool { false }
}
