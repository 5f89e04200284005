internal import EventLoop

/// Connects the closure of a streamed response with the connection that asks for its bytes. Lives on the loop's thread.
final class BodyStream {
  private let exchange: Exchange
  private let request: HTTPRequest
  private let loop: EventLoop
  private let writer: HTTPBodyWriter
  private var produce: (@Sendable (HTTPBodyWriter) async throws -> Void)?
  private var task: Task<Void, Never>?
  private let isEndless: Bool

  init(
    exchange: Exchange, request: HTTPRequest, loop: EventLoop, isEndless: Bool,
    _ produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void
  ) {
    self.exchange = exchange
    self.request = request
    self.loop = loop
    self.isEndless = isEndless
    self.produce = produce
    writer = HTTPBodyWriter {
      if loop.isCurrent { exchange.streamIsReadable() } else { loop.execute { exchange.streamIsReadable() } }
    }
  }

  /// The bytes written so far.
  var total: Int { writer.total }

  /// The library asks for bytes.
  func pull(into buffer: UnsafeMutableRawBufferPointer) -> HTTPBodyWriter.Reading { exchange.pull(into: buffer) }

  /// Moves bytes; starts the closure at the first call, so that it never runs in answer to `HEAD`.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> HTTPBodyWriter.Reading {
    if let produce {
      self.produce = nil
      start(produce)
    }
    return writer.read(into: buffer)
  }

  private func start(_ produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void) {
    task = Task.immediate(executorPreference: loop) { [writer, exchange, request, loop] in
      do {
        try await produce(writer)
        writer.finish(failed: false)
      } catch is CancellationError where writer.isStopping {
        writer.finish(failed: false)
      } catch {
        if loop.isCurrent {
          exchange.streamFailed(error, request: request)
        } else {
          loop.execute { exchange.streamFailed(error, request: request) }
        }
        writer.finish(failed: true)
      }
    }
    if writer.isStopping { task?.cancel() }
  }

  /// The server takes no more requests, and waits for this one: a body that has no end of its own gets one.
  func serverStops() {
    guard isEndless else { return }
    writer.stop()
    task?.cancel()
  }

  /// Nobody asks any more.
  func close() {
    task?.cancel()
    writer.close()
  }
}
