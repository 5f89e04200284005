import AppConfiguration
import Container
import DatabaseModule
import StructuredLogging
import Synchronization
import Testing

@testable import Host

@Suite struct ShutdownTests {
  @Test func `the parts of a stop never take longer than the whole`() throws {
    let budget = ShutdownBudget(total: .seconds(30), drain: .seconds(5))
    #expect(budget.requests == .milliseconds(12_500))
    #expect(budget.drain + budget.requests + budget.app == budget.total)
  }

  @Test func `the table names each step with its time and budget, and ends with the exit code`() async throws {
    let timeline = ShutdownTimeline(ShutdownBudget(total: .seconds(30), drain: .seconds(5)))
    #expect(timeline.table("app", .success) == nil)
    timeline.begin(.signal(15))
    timeline.add(.init(name: "drain delay", took: .seconds(5), budget: .seconds(5)))
    timeline.add(.init(name: "requests", took: .milliseconds(120), budget: .milliseconds(12_500), note: "all finished"))
    let app = App(options(timeline)) {
      Supply("pool")
      Provide { (_: String) in 7 }.onStop(timeout: .seconds(2)) { _ in throw CancellationError() }
      Run("worker") { (_: Int) in try await Task.sleep(for: .seconds(3600)) }
    }
    try await app.start()
    try? await app.stop()
    let lines = try #require(timeline.table("app", .failure)).split(separator: "\n").map(String.init)
    #expect(lines[0].hasPrefix("app: stopped in ") && lines[0].hasSuffix(" of 30s: signal SIGTERM"))
    func words(_ line: String) -> [Substring] { line.split(separator: " ") }
    #expect(words(lines[1]) == ["drain", "delay", "5s", "of", "5s"])
    #expect(words(lines[2]) == ["requests", "120ms", "of", "12.5s", "all", "finished"])
    #expect(lines[3].hasPrefix("  run worker ") && lines[3].hasSuffix(" of 15s"))
    #expect(lines[4].hasPrefix("  stop Int ") && lines[4].hasSuffix(" of 2s     failed: CancellationError()"))
    #expect(lines[5] == "  exit code 1")
    let metadata = timeline.metadata(.failure)
    #expect(metadata["reason"] == "signal SIGTERM" && metadata["exit_code"] == 1)
  }

  @Test func `the table tells how long the stop waited for open scopes, and how many it left behind`() throws {
    let timeline = ShutdownTimeline(ShutdownBudget(total: .seconds(30), drain: .seconds(5)))
    timeline.observe(.stopRequested(.signal(15)))
    timeline.observe(.scopesEnded(.seconds(3), leftBehind: 0))
    timeline.observe(.scopesEnded(.seconds(15), leftBehind: 2))
    let lines = try #require(timeline.table("app", .success)).split(separator: "\n").map(String.init)
    #expect(lines[1...2] == ["  scopes  3s     all ended", "  scopes  15s    2 left behind"])
  }

  private func options(_ timeline: ShutdownTimeline) -> App.Options {
    var options = App.Options()
    options.observers = [timeline]
    return options
  }

  @Test func `a drain delay that leaves nothing for the stop is refused with both settings and the place`() throws {
    let configuration = Configuration(flags: ["host.drain_delay": "30s"])
    let error = #expect(throws: ConfigurationError.self) { try HostSettings(configuration) }
    let text = "\(try #require(error))"
    #expect(text.contains("host.drain_delay is 30s") && text.contains("host.shutdown_timeout, which is 30s"))
  }

  @Test func `a certificate without a key, a key without a certificate, and a file that is not there are told apart`() {
    func fault(_ flags: [String: String]) -> String {
      let error = #expect(throws: ConfigurationError.self) { try HostSettings(Configuration(flags: flags)) }
      return error.map { "\($0)" } ?? ""
    }
    #expect(fault(["host.tls_certificate": "/c.pem"]).contains("needs host.tls_key"))
    #expect(fault(["host.tls_key": "/k.pem"]).contains("of no use without host.tls_certificate"))
    #expect(
      fault(["host.tls_certificate": "/nowhere/c.pem", "host.tls_key": "/nowhere/k.pem"])
        .contains("host.tls_certificate names /nowhere/c.pem, which cannot be read"))
  }

  @Test(arguments: HostPreset.allCases)
  func `a preset is made of settings there are, with values they take, and what is set wins over it`(
    preset: HostPreset
  ) throws {
    let values = preset.values([:])?.values ?? [:]
    // As flags they would be refused if a name or value were wrong.
    try Configuration(flags: values).check(HostSettings.catalog, LogSettings.catalog, DatabaseSettings.catalog)
    let configuration = Configuration(environment: ["HOST_SHUTDOWN_TIMEOUT": "20s"]).with(preset.values([:]))
    #expect(try HostSettings(configuration).shutdown.total == .seconds(20))
    #expect(configuration.source(of: HostSettings.shutdownTimeout) == .environment("HOST_SHUTDOWN_TIMEOUT"))
  }

  @Test func `presets know the place: Kubernetes drains within its grace period, Cloud Run listens on its port`() throws
  {
    let kubernetes = Configuration().with(HostPreset.kubernetes.values([:]))
    #expect(try HostSettings(kubernetes).shutdown.drain == .seconds(5))
    #expect(try HostSettings(kubernetes).shutdown.total < .seconds(30))
    #expect(kubernetes.source(of: HostSettings.drainDelay) == .preset("kubernetes"))
    #expect("\(try kubernetes(DatabaseSettings.logParameters))" == "fingerprint")
    let cloudrun = Configuration().with(HostPreset.cloudrun.values(["PORT": "9999"]))
    #expect(try HostSettings(cloudrun).listen == .tcp(host: "0.0.0.0", port: 9999))
    #expect(try HostSettings(cloudrun).shutdown.total < .seconds(10))
    #expect(try LogSettings(cloudrun).format == .json)
  }

  @Test func `reading the configuration again sets the log's level and names what waits for the next start`() throws {
    let output = RecordingLogOutput()
    let logger = Logger(label: "app", level: .info, output: output)
    let catalogs = [HostSettings.catalog, LogSettings.catalog]
    let file = try ConfigurationFile.parse("log: { level: debug }\nhost: { drain_delay: 1s }", path: "keel.yaml")
    Reload(Configuration(), catalogs, logger: logger) { Configuration(file: file) }.perform()
    #expect(logger.levelControl.level == .debug)
    #expect(output.entries.last?.metadata["settings"] == ["host.drain_delay"])

    Reload(Configuration(), catalogs, logger: logger) { Configuration(flags: ["log.level": "loud"]) }.perform()
    #expect(logger.levelControl.level == .debug)
    #expect(output.entries.last?.level == .error)
  }

  @Test(arguments: [
    ["host.drain_delay": "31s"], ["host.admin_listen": "127.0.0.1:8080"], ["database.embedded": "false"],
  ])
  func `settings with which the next start would fail are a fault when they are read again`(flags: [String: String]) {
    let output = RecordingLogOutput()
    let logger = Logger(label: "app", level: .info, output: output)
    let catalogs = [HostSettings.catalog, LogSettings.catalog, DatabaseSettings.catalog]
    let faulty = flags.merging(["log.level": "debug"]) { $1 }
    Reload(Configuration(), catalogs, logger: logger) { Configuration(flags: faulty) }.perform()
    #expect(output.entries.map(\.level) == [.error])
    #expect(logger.levelControl.level == .info)
    // An app without a database lacks no url.
    if flags["database.embedded"] != nil {
      Reload(Configuration(), [HostSettings.catalog, LogSettings.catalog], logger: logger) {
        Configuration(flags: faulty)
      }.perform()
      #expect(logger.levelControl.level == .debug)
    }
  }

  @Test func `a secret that has changed is named like every other setting, and one written otherwise is no change`() {
    let output = RecordingLogOutput()
    let token = Setting<Secret<String>?>("shop.token", default: nil, "A token.")
    let catalogs = [SettingsCatalog("shop", token), HostSettings.catalog]
    let old = Configuration(flags: ["shop.token": "hunter2", "host.drain_delay": "1000ms"])
    Reload(old, catalogs, logger: Logger(label: "app", output: output)) {
      Configuration(flags: ["shop.token": "hunter3", "host.drain_delay": "1s"])
    }.perform()
    #expect(output.entries.last?.metadata["settings"] == ["shop.token"])
  }

  @Test func `a setting waits for the next start while it differs from what the app runs with, and no longer`() {
    let output = RecordingLogOutput()
    let (running, changed) = (Configuration(), Configuration(flags: ["host.drain_delay": "1s"]))
    let next = Mutex(changed)
    let reload = Reload(running, [HostSettings.catalog], logger: Logger(label: "app", output: output)) {
      next.withLock { $0 }
    }
    // The second time nothing has changed since the first, and yet it waits.
    for _ in 0..<2 {
      output.clear()
      reload.perform()
      #expect(output.entries.last?.metadata["settings"] == ["host.drain_delay"])
    }
    next.withLock { $0 = running }
    output.clear()
    reload.perform()
    #expect(output.messages == ["configuration read again"])
  }

  @Test func `a log that falls silent says so first, and one that speaks again says so then`() {
    let output = RecordingLogOutput()
    let logger = Logger(label: "app", level: .info, output: output)
    let catalogs = [HostSettings.catalog, LogSettings.catalog]
    func reload(_ level: String) {
      Reload(Configuration(), catalogs, logger: logger) {
        Configuration(flags: ["log.level": level, "host.drain_delay": "1s"])
      }.perform()
    }
    reload("error")
    #expect(output.messages.count == 2 && logger.levelControl.level == .error)
    reload("info")
    #expect(output.messages.count == 4 && logger.levelControl.level == .info)
  }
}
