import CSpawn
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// An event that happens once and that threads wait for with a deadline.
///
/// A pipe: opening the gate closes the write end, which every `poll` on the read end sees, now and later.
final class Gate: Sendable {
  private let readEnd: Int32
  private let writeEnd: Mutex<Int32?>

  /// Nil when the process has no descriptor left.
  init?() {
    var ends: [Int32] = [-1, -1]
    guard keel_pipe(&ends) == 0 else { return nil }
    readEnd = ends[0]
    writeEnd = Mutex(ends[1])
  }

  deinit {
    open()
    close(readEnd)
  }

  /// Lets everybody through, for good.
  func open() {
    let end = writeEnd.withLock { end in
      defer { end = nil }
      return end
    }
    if let end { close(end) }
  }

  /// Blocks the calling thread until the gate opens; false when the deadline came first.
  func wait(until deadline: Deadline) -> Bool {
    while true {
      var poller = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
      let ready = poll(&poller, 1, deadline.remainingMilliseconds)
      if ready > 0 { return true }
      if ready == 0 && deadline.hasPassed { return false }
    }
  }
}

/// A point in time until which blocking work may take.
struct Deadline {
  private let instant: ContinuousClock.Instant?

  private init(_ instant: ContinuousClock.Instant?) { self.instant = instant }

  static let never = Deadline(nil)

  static func after(_ duration: Duration) -> Deadline { Deadline(.now + duration) }

  var hasPassed: Bool { instant.map { .now >= $0 } ?? false }

  /// What is left of it; a day when there is no end.
  var remaining: Duration { instant.map { max($0 - .now, .zero) } ?? .seconds(86_400) }

  /// For `poll`: rounded up, so that a wait never spins; -1 for ever.
  var remainingMilliseconds: Int32 {
    guard let instant else { return -1 }
    let parts = (instant - .now).components
    guard parts.seconds >= 0, parts.attoseconds >= 0 else { return 0 }
    let milliseconds = min(parts.seconds, 86_400) * 1000 + parts.attoseconds / 1_000_000_000_000_000 + 1
    return Int32(milliseconds)
  }
}
