#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A moment of the system clock, written as ISO 8601 in UTC with milliseconds.
public struct LogTimestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Whole seconds since 1970-01-01T00:00:00Z.
  public let seconds: Int64
  /// The fraction of the second, 0 to 999 999 999.
  public let nanoseconds: Int32

  /// Makes a moment; `nanoseconds` is held inside its second.
  public init(seconds: Int64, nanoseconds: Int32 = 0) {
    self.seconds = seconds
    self.nanoseconds = min(max(nanoseconds, 0), 999_999_999)
  }

  /// The moment of the call.
  public static func now() -> LogTimestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return LogTimestamp(seconds: Int64(time.tv_sec), nanoseconds: Int32(truncatingIfNeeded: time.tv_nsec))
  }

  /// The moment as `2026-01-31T12:00:00.000Z`.
  public var description: String {
    var line = LineBuffer()
    append(to: &line)
    return String(decoding: line.bytes, as: UTF8.self)
  }

  /// Orders moments by time.
  public static func < (left: Self, right: Self) -> Bool {
    (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
  }

  func append(to line: inout LineBuffer) {
    // Years 0 to 9999 have four digits; a clock outside them is broken, and is held at the edge.
    let bounded = min(max(seconds, -62_167_219_200), 253_402_300_799)
    let (day, second) = bounded.floorDivided(by: 86_400)
    let date = Self.civil(daysSinceEpoch: day)
    line.append(digits: date.year, width: 4)
    line.append("-")
    line.append(digits: date.month, width: 2)
    line.append("-")
    line.append(digits: date.day, width: 2)
    line.append("T")
    line.append(digits: second / 3600, width: 2)
    line.append(":")
    line.append(digits: second / 60 % 60, width: 2)
    line.append(":")
    line.append(digits: second % 60, width: 2)
    line.append(".")
    line.append(digits: Int64(nanoseconds / 1_000_000), width: 3)
    line.append("Z")
  }

  /// The date of a day in the proleptic Gregorian calendar.
  ///
  /// Counts from 1 March of year 0, so that the leap day is the last of its year and every month before it has a
  /// length that one line of arithmetic gives.
  private static func civil(daysSinceEpoch: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = (daysSinceEpoch + 719_468).floorDivided(by: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
  }
}

extension Int64 {
  /// Quotient towards negative infinity and the remainder that belongs to it, never negative.
  fileprivate func floorDivided(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
