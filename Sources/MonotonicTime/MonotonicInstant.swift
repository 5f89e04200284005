#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A moment on the continuous clock, to the nanosecond.
///
/// `ContinuousClock.Instant` is the same to the eye, but its layout is only known at run time: a machine built of such values takes
/// ten times as long to decide, and each that lives across a suspension is an allocation.
package struct MonotonicInstant: Sendable, Hashable, Comparable, BitwiseCopyable {
  package let nanoseconds: Int64

  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  package static var now: MonotonicInstant {
    var time = timespec()
    #if canImport(Darwin)
      clock_gettime(CLOCK_MONOTONIC_RAW, &time)
    #else
      clock_gettime(CLOCK_BOOTTIME, &time)
    #endif
    return MonotonicInstant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  package static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// What lies beyond the end of time is its end.
  package static func + (instant: MonotonicInstant, duration: Duration) -> MonotonicInstant {
    let (sum, isTooFar) = instant.nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
    return MonotonicInstant(nanoseconds: isTooFar ? (duration < .zero ? .min : .max) : sum)
  }

  /// Instants that lie more than three centuries apart are as far apart as that.
  package static func - (left: MonotonicInstant, right: MonotonicInstant) -> Duration {
    let (difference, isTooFar) = left.nanoseconds.subtractingReportingOverflow(right.nanoseconds)
    return .nanoseconds(isTooFar ? (left < right ? .min : .max) : difference)
  }
}

extension Duration {
  /// Durations of more than three centuries are as long as that.
  package var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, isStillTooLong) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return isTooLong || isStillTooLong ? (seconds < 0 ? .min : .max) : sum
  }
}
