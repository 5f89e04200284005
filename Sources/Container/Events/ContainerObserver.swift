/// Is told of everything that happens in an app.
public protocol ContainerObserver: Sendable {
  /// Takes an event. Called on the task in which it happens, so it should be quick; never called under a lock.
  func observe(_ event: ContainerEvent)
}

/// An observer made of a function.
public struct ClosureObserver: ContainerObserver {
  private let body: @Sendable (ContainerEvent) -> Void

  /// Calls `body` with every event.
  public init(_ body: @escaping @Sendable (ContainerEvent) -> Void) {
    self.body = body
  }

  /// Calls the function.
  public func observe(_ event: ContainerEvent) { body(event) }
}
