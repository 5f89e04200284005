import Testing

@testable import StructuredLogging

@Suite struct PatienceTests {
  @Test func `what was waited is had back at a tenth of the time, and no more than there was`() {
    let start = ContinuousClock.now
    var patience = Patience(.milliseconds(100))
    #expect(patience.left(at: start) == .milliseconds(100))
    patience.spend(until: start + .milliseconds(70))
    #expect(patience.left(at: start + .milliseconds(70)) == .milliseconds(30))
    patience.spend(until: start + .milliseconds(200))
    #expect(patience.left(at: start + .milliseconds(200)) == .zero)
    #expect(patience.left(at: start + .milliseconds(300)) == .milliseconds(10))
    #expect(patience.left(at: start + .seconds(60)) == .milliseconds(100))
  }

  @Test func `a reader that is slow all the time holds up a tenth of it at most`() {
    let start = ContinuousClock.now
    var now = start
    var patience = Patience(.milliseconds(100))
    var waited = Duration.zero
    // A line a millisecond, each of which would have to wait 20 ms for room.
    while now - start < .seconds(100) {
      let wait = min(patience.left(at: now), .milliseconds(20))
      waited += wait
      now += wait
      patience.spend(until: now)
      now += .milliseconds(1)
    }
    #expect(waited <= .milliseconds(10_100))
  }
}
