internal import Synchronization

/// Writes the body of a streamed response. See ``HTTPResponse/stream(status:contentType:isEndless:_:)``.
///
/// What is written goes out as soon as the client takes it; up to 64 KiB may wait. Writes throw `CancellationError` once
/// the client is gone.
public final class HTTPBodyWriter: Sendable {
  /// What the connection gets when it asks for bytes.
  enum Reading: Equatable {
    case bytes(Int)
    /// Nothing now: `onReadable` will be called once there is.
    case wait
    case end
    case failure
  }

  private struct State {
    var bytes: [UInt8] = []
    /// Where the bytes begin that are not read yet.
    var start = 0
    var total = 0
    var end: Reading?
    var isStopping = false
    var isReaderWaiting = false
    var writers: [CheckedContinuation<Void, Never>] = []

    var isFull: Bool { bytes.count - start >= HTTPBodyWriter.capacity }

    /// When that is all, or half of the array: then no byte moves more than once. A slow client never takes all.
    mutating func forgetWhatIsRead() {
      if start == bytes.count {
        bytes.removeAll(keepingCapacity: true)
        start = 0
      } else if start >= HTTPBodyWriter.capacity, start * 2 >= bytes.count {
        bytes.removeFirst(start)
        start = 0
      }
    }

    mutating func takeWriters() -> [CheckedContinuation<Void, Never>] {
      defer { writers = [] }
      return writers
    }

    mutating func takeReader() -> Bool {
      defer { isReaderWaiting = false }
      return isReaderWaiting
    }
  }

  private static let capacity = 64 << 10

  private let state = Mutex(State())
  private let onReadable: @Sendable () -> Void

  /// - Parameter onReadable: Called once after each ``Reading/wait``, from the thread of the writer.
  init(onReadable: @escaping @Sendable () -> Void) { self.onReadable = onReadable }

  // MARK: Writing

  /// Writes text as UTF-8; returns when there is room for more.
  public func write(_ text: String) async throws {
    if try append(text.utf8) { try await waitForRoom() }
  }

  /// Writes bytes; returns when there is room for more.
  public func write(_ bytes: [UInt8]) async throws {
    if try append(bytes) { try await waitForRoom() }
  }

  /// Says whether the buffer is full now.
  private func append(_ bytes: some Collection<UInt8>) throws -> Bool {
    try Task.checkCancellation()
    let (isFull, wakesReader) = try state.withLock { state in
      guard state.end == nil else { throw CancellationError() }
      state.bytes.append(contentsOf: bytes)
      state.total += bytes.count
      return (state.isFull, !bytes.isEmpty && state.takeReader())
    }
    if wakesReader { onReadable() }
    return isFull
  }

  private func waitForRoom() async throws {
    while state.withLock({ $0.isFull && $0.end == nil }) {
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          let goesOn = state.withLock { state in
            if !state.isFull || state.end != nil || Task.isCancelled { return true }
            state.writers.append(continuation)
            return false
          }
          if goesOn { continuation.resume() }
        }
      } onCancel: {
        // All of them look again: those that are not cancelled wait again.
        for writer in state.withLock({ $0.takeWriters() }) { writer.resume() }
      }
      try Task.checkCancellation()
    }
  }

  /// Its task is about to be cancelled since the server stops, which completes the body.
  func stop() { state.withLock { $0.isStopping = true } }

  var isStopping: Bool { state.withLock { $0.isStopping } }

  /// No more will be written: the body is complete, or `failed` half way.
  func finish(failed: Bool) {
    end(with: failed ? .failure : .end)
  }

  /// Nobody will read any more.
  func close() {
    end(with: .failure)
  }

  private func end(with end: Reading) {
    let (wakesReader, writers) = state.withLock { state in
      if state.end == nil { state.end = end }
      return (state.takeReader(), state.takeWriters())
    }
    if wakesReader { onReadable() }
    for writer in writers { writer.resume() }
  }

  // MARK: Reading

  /// The bytes written so far.
  var total: Int { state.withLock { $0.total } }

  /// The bytes in memory, those that are read but not yet forgotten with them.
  var held: Int { state.withLock { $0.bytes.count } }

  /// Moves as many bytes as fit into `buffer`.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Reading {
    let (reading, writers) = state.withLock { state -> (Reading, [CheckedContinuation<Void, Never>]) in
      let count = min(buffer.count, state.bytes.count - state.start)
      guard count > 0 else {
        if let end = state.end { return (end, []) }
        state.isReaderWaiting = true
        return (.wait, [])
      }
      state.bytes.withUnsafeBytes { buffer.copyMemory(from: .init(rebasing: $0[state.start..<state.start + count])) }
      state.start += count
      state.forgetWhatIsRead()
      return (.bytes(count), state.isFull ? [] : state.takeWriters())
    }
    for writer in writers { writer.resume() }
    return reading
  }
}
