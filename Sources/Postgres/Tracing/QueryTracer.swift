package import MonotonicTime

/// Is told what a connection or a pool does. Logging and metrics are tracers.
public protocol QueryTracer: Sendable {
  /// Called in the task or on the loop where the event happens: it must be quick and must not block.
  func record(_ event: TraceEvent)
}

extension (any QueryTracer)? {
  /// Tells the tracer, if there is one, how `connect` ended.
  func connecting(_ connect: () async throws -> PostgresConnection) async throws -> PostgresConnection {
    let start = MonotonicInstant.now
    do {
      let connection = try await connect()
      self?.record(.connectEnded(duration: .now - start, .success(connection.processID)))
      return connection
    } catch {
      self?.record(.connectEnded(duration: .now - start, .failure(error)))
      throw error
    }
  }
}

/// Something that a connection or a pool did.
public enum TraceEvent: Sendable {
  /// A query is about to be sent.
  case queryStarted(QueryTrace)
  /// A query was answered, or failed; the result is how many rows it returned or changed.
  case queryEnded(QueryTrace, duration: Duration, Result<Int, any Error>)
  /// A statement of a batch failed that stands by itself there: told before the end of the batch, which is none in error.
  case statementFailed(QueryTrace, PostgresError)
  /// A connection was made, or was not.
  case connectEnded(duration: Duration, Result<Int32, any Error>)
  /// A pool lent a connection, or failed to.
  case acquireEnded(AcquireTrace, duration: Duration, (any Error)?)
  /// A connection that was lent for itself alone came back; whether it can be lent again, and how long it was lent.
  case released(processID: Int32, isSound: Bool, held: Duration)
  /// The server was given a statement to prepare, together with a query that needed it.
  case prepared(QueryTrace)
}

/// The wait for a connection, as a tracer sees it.
public struct AcquireTrace: Sendable {
  /// The name of the query that it is for, where there is one.
  public let name: String?
  /// Whether other single statements may use the connection at the same time.
  public let isShared: Bool
  /// `#fileID` of the code that asks.
  public let fileID: StaticString
  /// `#line` of the code that asks.
  public let line: UInt
}

/// One query, as a tracer sees it.
public struct QueryTrace: Sendable {
  /// What kind of call it was.
  public enum Operation: String, Sendable {
    /// One statement with parameters.
    case query
    /// A text of several statements.
    case script
    /// A statement whose rows are handed over as they come.
    case stream
    /// Several statements sent at once.
    case batch
    /// COPY to the server.
    case copyIn
    /// COPY from the server.
    case copyOut
  }

  /// What kind of call it was.
  public let operation: Operation
  /// The text and the parameters.
  public let sql: SQL
  /// The name it was given.
  public let name: String?
  /// The server process that runs it.
  public let processID: Int32
  /// Whether it is part of a transaction that is run again if it loses against another one: a serialization failure or a
  /// deadlock is then no error that anybody gets.
  public let isRunAgain: Bool
  /// When it was sent.
  package let start: MonotonicInstant
  private let tracer: any QueryTracer

  /// Tells it from all other queries of the process: an event of its start and one of its end have the same.
  public struct ID: Hashable, Sendable {
    private let processID: Int32
    private let start: MonotonicInstant

    fileprivate init(_ trace: QueryTrace) { (processID, start) = (trace.processID, trace.start) }
  }

  /// Tells it from all other queries of the process: an event of its start and one of its end have the same.
  public var id: ID { ID(self) }

  /// The time since it was sent, which goes on after its end: how long it took is in the event of that.
  public var elapsed: Duration { MonotonicInstant.now - start }

  static func started(
    _ tracer: any QueryTracer, _ operation: Operation, _ sql: SQL, _ name: String?, _ processID: Int32,
    isRunAgain: Bool = false
  ) -> QueryTrace {
    let trace = QueryTrace(
      operation: operation, sql: sql, name: name, processID: processID, isRunAgain: isRunAgain, start: .now,
      tracer: tracer)
    tracer.record(.queryStarted(trace))
    return trace
  }

  func end(_ outcome: Result<Int, any Error>, prepared: Bool = false) {
    if prepared { tellPrepared() }
    tracer.record(.queryEnded(self, duration: elapsed, outcome))
  }

  func tellPrepared() { tracer.record(.prepared(self)) }

  func tellFailed(_ error: PostgresError) { tracer.record(.statementFailed(self, error)) }
}

/// Several tracers as one.
public struct TracerChain: QueryTracer {
  private let tracers: [any QueryTracer]

  /// Each event goes to all of them, in this order.
  public init(_ tracers: [any QueryTracer]) { self.tracers = tracers }

  /// Passes the event on.
  public func record(_ event: TraceEvent) {
    for tracer in tracers { tracer.record(event) }
  }
}
