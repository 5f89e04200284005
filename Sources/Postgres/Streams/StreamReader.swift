internal import EventLoop
internal import MonotonicTime
internal import Synchronization

/// The reading end of a stream or of a COPY from the server. Let go of early, it has the server stop.
final class StreamReader: Sendable {
  private let connection: PostgresConnection
  private let request: ConnectionRequest
  private let checkout: PostgresCheckout
  private let trace: QueryTrace?
  private let timer: EventLoop.Timer?
  private let sql: SQL
  private let options: QueryOptions
  private let isOver = Atomic(false)

  /// Sends the request on a connection of the client.
  static func open(
    _ kind: ConnectionRequest.Kind, _ client: any PostgresClient, _ options: QueryOptions
  ) async throws -> StreamReader {
    let start = MonotonicInstant.now
    let checkout = try await client.checkOut(options)
    if case .rows(let sql) = kind, sql.hasNamedTypes {
      do {
        try await checkout.connection.learnTypes(of: sql, checkout.rest(of: options, since: start))
      } catch {
        checkout.giveBack(isSound: checkout.connection.isClean)
        checkout.report(error)
        throw (error as? PostgresError)?.of(sql, options.caller) ?? error
      }
    }
    return StreamReader(kind, checkout, checkout.rest(of: options, since: start))
  }

  private init(_ kind: ConnectionRequest.Kind, _ checkout: PostgresCheckout, _ options: QueryOptions) {
    // Given back by the connection when the server is done with it.
    let request = ConnectionRequest(kind, onDone: checkout.giveBack)
    let connection = checkout.connection
    self.connection = connection
    self.request = request
    self.checkout = checkout
    self.options = options
    sql = request.sql ?? ""
    let operation: QueryTrace.Operation = if case .rows = kind { .stream } else { .copyOut }
    trace = connection.trace(operation, request.sql ?? "", options.name)
    timer = options.timeout.map { limit in connection.core.schedule(limit, request) }
    connection.act { session, deliveries in session.submit(request, nil, &deliveries) }
  }

  deinit {
    timer?.cancel()
    guard !isOver.load(ordering: .relaxed) else { return }
    connection.stop(request)
    trace?.end(.failure(CancellationError()))
  }

  /// More of what came; nil at the end.
  nonisolated(nonsending) func next() async throws -> ConnectionSession.Taken? {
    do {
      while true {
        let taken = connection.act { session, deliveries in session.take(request, &deliveries) }
        switch taken {
        case .rows, .bytes: return taken
        case .end:
          if case .copyOut = request.kind, !request.isCopyAgreed {
            throw PostgresError(.unsupported, "the statement is no COPY to the client (TO STDOUT)")
          }
          end(.success(request.rowsAffected))
          return nil
        case .failed(let error): throw error
        case .nothing: await connection.awaitFlow(of: request)
        }
      }
    } catch {
      checkout.report(error)
      let named = (error as? PostgresError)?.of(sql, options.caller) ?? error
      end(.failure(named))
      throw named
    }
  }

  private func end(_ outcome: Result<Int, any Error>) {
    guard !isOver.exchange(true, ordering: .relaxed) else { return }
    timer?.cancel()
    trace?.end(outcome, prepared: request.wasPrepared)
  }
}

/// Waits until somebody resumes the waker that `park` has put where it is found; not at all if `park` has not.
@inline(__always)
nonisolated(nonsending) func untilWoken(_ park: (ConnectionRequest.Waker) -> Bool) async {
  func wait(_ waker: ConnectionRequest.Waker) { if !park(waker) { waker.resume() } }
  #if DEBUG
    await withCheckedContinuation(wait)
  #else
    await withUnsafeContinuation(wait)
  #endif
}

extension PostgresConnection {
  /// Waits until there is something to take from a request, or room to write to it, or it is over.
  nonisolated(nonsending) func awaitFlow(of request: ConnectionRequest) async {
    await withTaskCancellationHandler {
      await untilWoken { waker in act { session, deliveries in session.park(request, waker, &deliveries) } }
    } onCancel: {
      core.abort(request, .cancelled)
    }
  }
}
