import Testing

@testable import Postgres

@Suite struct OutageTests {
  private let start = ContinuousClock.now

  private func second(_ second: Int) -> ContinuousClock.Instant {
    start.advanced(by: .seconds(second))
  }

  @Test func `an outage is told when it begins, once a minute, and when it is over`() {
    var outage = Outage()
    #expect(outage.succeeded(at: second(0)) == nil)
    #expect(outage.failed(at: second(1)) == .begun)
    for time in 2...60 { #expect(outage.failed(at: second(time)) == nil) }
    #expect(outage.failed(at: second(61)) == .lasting(attempts: 61, for: .seconds(60)))
    #expect(outage.succeeded(at: second(62)) == .over(attempts: 61, after: .seconds(61)))
    #expect(outage.succeeded(at: second(63)) == nil)
  }

  @Test func `a server that lets in every other connection is told of once a minute`() {
    var outage = Outage()
    #expect(outage.failed(at: second(0)) == .begun)
    #expect(outage.succeeded(at: second(1)) == .over(attempts: 1, after: .seconds(1)))
    for time in 1..<29 {
      #expect(outage.failed(at: second(2 * time)) == nil)
      #expect(outage.succeeded(at: second(2 * time + 1)) == nil)
    }
    #expect(outage.failed(at: second(60)) == .begun)
  }

  @Test func `of outages in the minute after a line nothing is said, unless they outlast it`() {
    var outage = Outage()
    #expect(outage.failed(at: second(0)) == .begun)
    #expect(outage.succeeded(at: second(1)) == .over(attempts: 1, after: .seconds(1)))
    #expect(outage.failed(at: second(2)) == nil)
    #expect(outage.succeeded(at: second(3)) == nil)
    #expect(outage.failed(at: second(50)) == nil)
    #expect(outage.failed(at: second(60)) == .begun)
    #expect(outage.succeeded(at: second(61)) == .over(attempts: 2, after: .seconds(11)))
  }
}
