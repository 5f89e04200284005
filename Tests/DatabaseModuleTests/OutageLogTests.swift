import StructuredLogging
import Testing

@testable import DatabaseModule
@testable import Postgres

@Suite struct OutageLogTests {
  struct Refused: Error {}

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
