internal import MonotonicTime

/// How one call is made: what it is called, how long it may take, and who makes it.
public struct QueryOptions: Sendable {
  /// What tracers, metrics, errors and the pool's listing call it.
  public var name: String?
  /// How long the call may take, the wait for a connection included. The statement is then cancelled at the server, and
  /// the call throws ``PostgresError`` of code ``PostgresError/Code/timedOut``; where it is over before there is a
  /// connection, `PoolError` of code `acquireTimeout`. Default: as long as it takes, after a wait for a connection of at
  /// most the pool's `acquireTimeout`.
  public var timeout: Duration?
  /// How long to wait for a connection of a pool. Default: the pool's `acquireTimeout`, or ``timeout`` where that is
  /// less.
  public var acquireTimeout: Duration?
  /// `#fileID` of the caller.
  public var fileID: StaticString
  /// `#line` of the caller.
  public var line: UInt

  /// The caller's place is filled in by itself.
  public init(
    name: String? = nil, timeout: Duration? = nil, fileID: StaticString = #fileID, line: UInt = #line
  ) {
    self.name = name
    self.timeout = timeout
    self.fileID = fileID
    self.line = line
  }

  /// Who makes it, for errors.
  var caller: QueryCaller { QueryCaller(name: name, fileID: fileID, line: line) }

  /// For the part of a call that begins so much later.
  func after(_ elapsed: Duration) -> QueryOptions {
    var rest = self
    rest.timeout = self.rest(after: elapsed)
    return rest
  }

  /// What is left of the time-out.
  func rest(after elapsed: Duration) -> Duration? { timeout.map { max($0 - elapsed, .nanoseconds(1)) } }

  /// No later than a deadline.
  func within(_ deadline: MonotonicInstant?) -> QueryOptions {
    guard let deadline else { return self }
    var bounded = self
    let rest = max(deadline - .now, .nanoseconds(1))
    bounded.timeout = min(timeout ?? rest, rest)
    return bounded
  }
}

/// What an error says of a query besides its text.
struct QueryCaller: Sendable {
  let name: String?
  let fileID: StaticString
  let line: UInt

  /// Such as `Shop/Orders.swift:42`; nil for what the driver does by itself.
  var origin: String? {
    let place = "\(fileID):\(line)"
    return place.hasPrefix("Postgres/") ? nil : place
  }
}
