import AppConfiguration
import Container
import EventLoop
import StructuredLogging
import Testing

@testable import Host

@Suite struct EventLoopSettingsTests {
  private func busyPoll(_ flags: [String: String]) async throws -> Duration {
    var options = App.Options()
    options.buildsOnDemandOnly = true
    let app = App(options) { HostModule(program: "app", version: "1", Configuration(flags: flags), .none) }
    try await app.start()
    let loop = try await app.get(EventLoop.self)
    try await app.stop()
    return loop.configuration.busyPoll
  }

  @Test func `the event loop polls as long as host.busy_poll says, and not at all by default`() async throws {
    #expect(try await busyPoll(["host.busy_poll": "50us"]) == .microseconds(50))
    #expect(try await busyPoll([:]) == .zero)
  }

  @Test func `a negative host.busy_poll is refused`() throws {
    #expect(throws: ConfigurationError.self) {
      try HostSettings(Configuration(flags: ["host.busy_poll": "-1us"]))
    }
  }
}
