import StructuredLogging
import Testing

@testable import DatabaseModule
@testable import Postgres

@Suite struct OutageLogTests {
  struct Refused: Error {}

  @Test func `an outage is told when it begins, once a minute, and when it is over`() {
    let log = OutageLog(.none)
    let start = ContinuousClock.now
    #expect(log.note(isFailure: false, at: start) == nil)
    #expect(log.note(isFailure: true, at: start) == .begun)
    for second in 1..<60 { #expect(log.note(isFailure: true, at: start.advanced(by: .seconds(second))) == nil) }
    #expect(
      log.note(isFailure: true, at: start.advanced(by: .seconds(60))) == .lasting(attempts: 61, for: .seconds(60)))
    #expect(log.note(isFailure: true, at: start.advanced(by: .seconds(61))) == nil)
    #expect(
      log.note(isFailure: false, at: start.advanced(by: .seconds(62))) == .over(attempts: 62, after: .seconds(62)))
    #expect(log.note(isFailure: false, at: start.advanced(by: .seconds(63))) == nil)
  }

  @Test func `a server that lets in every other connection is told of once a minute, and an outage after that too`() {
    let log = OutageLog(.none)
    let start = ContinuousClock.now
    func line(_ second: Int, isFailure: Bool) -> OutageLog.Line? {
      log.note(isFailure: isFailure, at: start.advanced(by: .seconds(second)))
    }
    #expect(line(0, isFailure: true) == .begun)
    #expect(line(1, isFailure: false) == .over(attempts: 1, after: .seconds(1)))
    for second in 1..<29 {
      #expect(line(2 * second, isFailure: true) == nil)
      #expect(line(2 * second + 1, isFailure: false) == nil)
    }
    // One that stays is told at the end of the minute.
    #expect(line(58, isFailure: true) == nil)
    #expect(line(60, isFailure: true) == .begun)
    #expect(line(61, isFailure: false) == .over(attempts: 2, after: .seconds(3)))
  }

  @Test func `its lines are a warning and a notice, and a connect that is called off is neither`() {
    let output = RecordingLogOutput()
    let log = OutageLog(Logger(label: "test", output: output))
    log.record(.connectEnded(duration: .zero, .failure(CancellationError())))
    #expect(output.entries.isEmpty)
    log.record(.connectEnded(duration: .zero, .failure(Refused())))
    log.record(.connectEnded(duration: .zero, .failure(Refused())))
    log.record(.connectEnded(duration: .zero, .success(1)))
    #expect(output.entries.map(\.level) == [.warning, .notice])
    #expect(output.entries.map(\.message) == ["cannot connect", "connected again"])
  }
}
