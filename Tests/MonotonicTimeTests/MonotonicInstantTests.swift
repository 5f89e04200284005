import MonotonicTime
import Testing

@Suite struct MonotonicInstantTests {
  private let instant = MonotonicInstant(nanoseconds: 1_000_000_000_000)

  @Test func `now is the moment of the continuous clock, to which time is added and from which it is taken`() {
    let (began, clock) = (MonotonicInstant.now, ContinuousClock.now)
    let (elapsed, clockElapsed) = (MonotonicInstant.now - began, ContinuousClock.now - clock)
    #expect(elapsed >= .zero && elapsed <= clockElapsed + .seconds(1))
    #expect(instant + .milliseconds(5) - instant == .milliseconds(5))
    #expect(instant + .milliseconds(-5) - instant == .milliseconds(-5))
    #expect(instant < instant + .nanoseconds(1) && instant > instant + .nanoseconds(-1))
  }

  @Test func `what lies beyond the end of time is its end, both ways`() {
    let (first, last) = (MonotonicInstant(nanoseconds: .min), MonotonicInstant(nanoseconds: .max))
    #expect(instant + .seconds(Int64.max) == last)
    #expect(MonotonicInstant(nanoseconds: -2) + .seconds(Int64.min) == first)
    #expect(last - first == .nanoseconds(Int64.max) && first - last == .nanoseconds(Int64.min))
    #expect(first - instant == .nanoseconds(Int64.min) && last - instant < .nanoseconds(Int64.max))
  }

  @Test func `durations are counted in whole nanoseconds, the longest as three centuries`() {
    #expect(Duration.milliseconds(-1500).wholeNanoseconds == -1_500_000_000)
    #expect(Duration(secondsComponent: 1, attosecondsComponent: 999_999_999).wholeNanoseconds == 1_000_000_000)
    #expect(Duration.nanoseconds(Int64.max).wholeNanoseconds == .max)
    #expect(Duration.seconds(10_000_000_000).wholeNanoseconds == .max)
    #expect(Duration.seconds(-10_000_000_000).wholeNanoseconds == .min)
  }
}
