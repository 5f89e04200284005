/// Why a pool could not lend a resource.
public struct PoolError: Error, Sendable, CustomStringConvertible {
  /// What kind of failure this is.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Value: String {
      case acquireTimeout, closed, deadlock, notStarted, alreadyStarted, unavailable, invalidConfiguration
    }
    private let value: Value
    /// Nothing became free in time.
    public static let acquireTimeout = Code(value: .acquireTimeout)
    /// The acquire would have waited for what the same task holds.
    public static let deadlock = Code(value: .deadlock)
    /// The pool is closed or closing.
    public static let closed = Code(value: .closed)
    /// The pool was not started.
    public static let notStarted = Code(value: .notStarted)
    /// The pool was started before.
    public static let alreadyStarted = Code(value: .alreadyStarted)
    /// No resource can be made, for a reason that waiting does not mend; ``PoolError/cause`` says which.
    public static let unavailable = Code(value: .unavailable)
    /// A configured value makes no sense.
    public static let invalidConfiguration = Code(value: .invalidConfiguration)

    /// The code's name.
    public var description: String { value.rawValue }
  }

  /// What kind of failure this is.
  public let code: Code
  /// The whole story for a log: what, with which numbers, and what to do.
  public let message: String
  /// The last failure to make a resource, when that is behind it.
  public let cause: (any Error)?

  init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  /// A grant of nothing. The machine lends filled slots only, so this says that the pool itself is at fault.
  @usableFromInline static var emptySlot: PoolError { PoolError(.unavailable, "the pool lent an empty slot") }

  /// The message.
  public var description: String { message }
}
