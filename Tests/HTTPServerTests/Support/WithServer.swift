import EventLoop
import HTTPServer
import Synchronization
import Testing

/// Runs a test against a server on a free port, and stops it afterwards.
func withServer(
  _ routes: [Route], middleware: [any HTTPMiddleware] = [], observer: some HTTPServerObserver = RecordingObserver(),
  configure: (inout HTTPServerConfiguration) -> Void = { _ in },
  _ body: (HTTPServerAddress, HTTPServer) async throws -> Void
) async throws {
  let loop = try EventLoop()
  var configuration = HTTPServerConfiguration(address: .ip(host: "127.0.0.1", port: 0))
  configure(&configuration)
  let server = try HTTPServer(
    configuration: configuration, routes: routes, middleware: middleware, loop: loop, observer: observer)
  let result: Result<Void, any Error>
  do {
    let address = try await server.start()
    result = .success(try await body(address, server))
  } catch {
    result = .failure(error)
  }
  await server.stop(grace: .zero)
  await loop.stop()
  try result.get()
}

/// Waits for a condition; fails the test if it does not come about within ten seconds.
func eventually(
  _ comment: Comment, location: SourceLocation = #_sourceLocation, _ condition: @Sendable () -> Bool
) async throws {
  let deadline = ContinuousClock.now.advanced(by: .seconds(60))
  while !condition() {
    guard ContinuousClock.now < deadline else {
      Issue.record("never came about: \(comment)", sourceLocation: location)
      return
    }
    try await Task.sleep(for: .milliseconds(1))
  }
}

/// Keeps all it is told.
final class RecordingObserver: HTTPServerObserver {
  struct Seen {
    var opened = 0
    var closed: [Int] = []
    var records: [HTTPRequestRecord] = []
    var malformed: [HTTPStatus?] = []
    var failures: [String] = []
    var failedIDs: [String?] = []
    var messages: [String] = []
  }

  private let state = Mutex(Seen())

  var seen: Seen { state.withLock { $0 } }

  func connectionOpened(remoteAddress: String) { state.withLock { $0.opened += 1 } }
  func connectionClosed(remoteAddress: String, requests: Int) { state.withLock { $0.closed.append(requests) } }
  func requestFinished(_ record: HTTPRequestRecord) { state.withLock { $0.records.append(record) } }
  func requestMalformed(remoteAddress: String, status: HTTPStatus?) { state.withLock { $0.malformed.append(status) } }
  func handlerFailed(_ error: any Error, request: HTTPRequest) {
    state.withLock {
      $0.failures.append("\(error)")
      $0.failedIDs.append(request.id)
    }
  }
  func libraryReported(_ message: String) { state.withLock { $0.messages.append(message) } }
}

/// A gate that tasks wait at until it is opened.
final class Gate: Sendable {
  private let state = Mutex<(isOpen: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))
  private let arrived = Atomic<Int>(0)

  /// How many have come to the gate.
  var arrivals: Int { arrived.load(ordering: .relaxed) }

  /// Waits until the gate opens. Does not heed cancellation.
  func wait() async {
    arrived.add(1, ordering: .relaxed)
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiters.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }

  func open() {
    let waiters = state.withLock { state in
      defer { state = (true, []) }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }
}
