internal import Glibc

/// Starts a detached thread. The loop needs one that is its own: it blocks in `epoll_wait`, which a thread of the
/// cooperative pool must not do. A command line that waits for a person's answer needs one for the same reason.
package func startThread(_ body: @escaping @Sendable () -> Void) throws(EventLoopError) {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  let box = Unmanaged.passRetained(Box(body))
  var thread = pthread_t()
  let status = pthread_create(&thread, nil, threadMain, box.toOpaque())
  guard status == 0 else {
    box.release()
    throw EventLoopError("pthread_create", errno: status)
  }
  pthread_detach(thread)

  @Sendable func threadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
    return nil
  }
}
