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

  /// Whether ``prepare(_:)`` and ``recycle(_:)`` are to be called; then no resource is shared. Default: no.
  var hasLeaseHooks: Bool { get }

  /// Called before a resource is lent, in the task that asks for it. False has it closed and another one taken.
  func prepare(_ resource: Resource) async -> Bool

  /// Called after a resource came back, in a task of its own. False has it closed.
  func recycle(_ resource: Resource) async -> Bool

  /// Whether a failure to make one will last however long one waits (a wrong password, say). Default: no.
  func isPermanent(_ error: any Error) -> Bool
}

extension ResourceFactory {
  /// No.
  public var hasLeaseHooks: Bool { false }

  /// Nothing to do.
  public func prepare(_ resource: Resource) async -> Bool { true }

  /// Nothing to do.
  public func recycle(_ resource: Resource) async -> Bool { true }

  /// No failure is taken as lasting.
  public func isPermanent(_ error: any Error) -> Bool { false }
}
