import AppConfiguration
import Foundation
import StructuredLogging
import Testing

@testable import DatabaseModule

@Suite struct RestartPausesTests {
  @Test func `a first end is mended at once, and each that follows soon waits longer, up to a minute`() {
    var pauses = RestartPauses()
    let seen = (0..<9).map { _ in pauses.next(afterRunOf: .seconds(1)) }
    #expect(seen == [0, 1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
  }

  @Test func `after a good run the next end is mended at once again`() {
    var pauses = RestartPauses()
    for _ in 0..<4 { _ = pauses.next(afterRunOf: .zero) }
    #expect(pauses.next(afterRunOf: .seconds(61)) == .zero)
    #expect(pauses.next(afterRunOf: .zero) == .seconds(1))
  }

  @Test func `a private server that dies again soon after its start is started again after a pause`() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "keel-test-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let log = RecordingLogOutput()
    let path = folder.path(percentEncoded: false)
    let settings = try DatabaseSettings(Configuration(flags: ["database.data_directory": path]))
    let server = try await DatabaseServer.start(settings, logger: Logger(label: "test", output: log))
    let supervision = Task { await server.supervise() }
    for ends in 1...2 {
      // The start has to be over: before, the end of the process is that of a start that fails.
      try await until { starts(log).count == ends }
      kill(try #require(starts(log).last), SIGKILL)
      try await until { pauses(log).count == ends }
    }
    #expect(pauses(log) == [.duration(.zero), .duration(.seconds(1))])
    supervision.cancel()
    await supervision.value
    await server.stop()
  }

  private func pauses(_ log: RecordingLogOutput) -> [LogValue?] {
    log.entries.filter { $0.message.contains("ended by itself") }.map { $0.metadata["next_try"] }
  }

  /// The processes of the servers that were started.
  private func starts(_ log: RecordingLogOutput) -> [Int32] {
    log.entries.filter { $0.message == "embedded PostgreSQL started" }.compactMap {
      $0.metadata["pid"].flatMap { Int32("\($0)") }
    }
  }

  private func until(_ condition: () -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while !condition() {
      try #require(ContinuousClock.now < deadline, "the condition did not come true")
      try await Task.sleep(for: .milliseconds(2))
    }
  }
}
