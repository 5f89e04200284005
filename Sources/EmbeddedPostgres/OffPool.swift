import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Runs blocking work on a thread made for it, so that Swift's cooperative pool never waits for a disk or a process.
///
/// The work is told of cancellation through its ``CancellationFlag`` and decides itself when to give up.
func offPool<Value: Sendable, Failure: Error>(
  _ work: @escaping @Sendable (CancellationFlag) throws(Failure) -> Value
) async throws(Failure) -> Value {
  let flag = CancellationFlag()
  let result: Result<Value, Failure> = await withTaskCancellationHandler {
    await withCheckedContinuation { continuation in
      let body: @Sendable () -> Void = {
        continuation.resume(returning: Result { () throws(Failure) in try work(flag) })
      }
      // Where the system refuses a thread, the work runs in place: late beats never.
      if !startThread(body) { body() }
    }
  } onCancel: {
    flag.set()
  }
  return try result.get()
}

/// Whether the task that waits for blocking work was cancelled.
final class CancellationFlag: Sendable {
  private let flag = Atomic(false)

  var isSet: Bool { flag.load(ordering: .acquiring) }

  func set() { flag.store(true, ordering: .releasing) }
}

/// Starts a detached thread; false when the system refuses one.
func startThread(_ work: @escaping @Sendable () -> Void) -> Bool {
  final class Body: Sendable {
    let work: @Sendable () -> Void
    init(_ work: @escaping @Sendable () -> Void) { self.work = work }
  }
  // The thread takes the reference over; if there is none, we do.
  let body = Unmanaged.passRetained(Body(work))
  #if canImport(Darwin)
    var thread: pthread_t?
    let error = pthread_create(&thread, nil, { run($0) }, body.toOpaque())
  #else
    var thread = pthread_t()
    let error = pthread_create(&thread, nil, { run($0) }, body.toOpaque())
  #endif
  guard error == 0, let handle = Optional(thread) else {
    body.release()
    return false
  }
  pthread_detach(handle)
  return true

  @Sendable func run(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().work() }
    return nil
  }
}
