#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A moment on the continuous clock, to the nanosecond. `ContinuousClock.Instant` is the same to the eye, but its layout
/// is only known at run time, and a machine built of such values takes ten times as long to decide.
struct PoolInstant: Sendable, Hashable, Comparable {
  let nanoseconds: Int64

  static var now: PoolInstant {
    var time = timespec()
    #if canImport(Darwin)
      clock_gettime(CLOCK_MONOTONIC_RAW, &time)
    #else
      clock_gettime(CLOCK_BOOTTIME, &time)
    #endif
    return PoolInstant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  static func < (left: PoolInstant, right: PoolInstant) -> Bool { left.nanoseconds < right.nanoseconds }

  /// What lies beyond the end of time is its end.
  static func + (instant: PoolInstant, duration: Duration) -> PoolInstant {
    let (sum, isTooFar) = instant.nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
    return PoolInstant(nanoseconds: isTooFar ? (duration < .zero ? .min : .max) : sum)
  }

  static func - (left: PoolInstant, right: PoolInstant) -> Duration {
    .nanoseconds(left.nanoseconds - right.nanoseconds)
  }
}

extension Duration {
  /// Durations of more than three centuries are as long as that.
  var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, isStillTooLong) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return isTooLong || isStillTooLong ? (seconds < 0 ? .min : .max) : sum
  }
}
