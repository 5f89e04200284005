import Glibc
import Synchronization

/// Tells how long a thread has been at work.
final class ThreadClock: Sendable {
  private let clock = Atomic<Int32>(CLOCK_MONOTONIC)

  /// The calling thread is the one.
  func belongsHere() {
    var id = clockid_t()
    if pthread_getcpuclockid(pthread_self(), &id) == 0 { clock.store(id, ordering: .relaxed) }
  }

  var reading: Duration {
    var time = timespec()
    clock_gettime(clock.load(ordering: .relaxed), &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }
}

/// Something that has happened, or not yet.
final class Flag: Sendable {
  private let state = Atomic<Bool>(false)

  var isSet: Bool { state.load(ordering: .relaxed) }
  func set() { state.store(true, ordering: .relaxed) }
}
