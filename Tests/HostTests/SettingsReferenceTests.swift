import AppConfiguration
import Container
import DatabaseModule
import FoundationEssentials
import Synchronization
import Testing
import WebSocketModule

@testable import Host

/// The pages of the repository that are made of the reference app's settings.
@Suite struct SettingsReferenceTests {
  private struct Keel: HostApplication {
    static let name = "keel"
    var body: [any ModuleElement] { DatabaseModule() }
  }

  /// All modules that there are.
  private struct Whole: HostApplication {
    static let name = "keel"
    var body: [any ModuleElement] {
      DatabaseModule()
      WebSocketModule()
    }
  }

  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private func output<App: HostApplication>(of app: App.Type = Keel.self, _ words: String...) async -> String {
    let output = Mutex("")
    let console = Console(output: { text in output.withLock { $0 += text + "\n" } }, errors: { Issue.record("\($0)") })
    #expect(await Commands(app, console: console).run(words) == .success)
    return output.withLock { $0 }
  }

  private func file(_ name: String) throws -> String {
    try String(contentsOf: Self.root.appending(path: name), encoding: .utf8)
  }

  @Test func `docs settings.md is what config reference prints for an app of all modules`() async throws {
    let current = await output(of: Whole.self, "config", "reference").replacing(
      "## websocket\n", with: "## websocket\n\nOf apps with `WebSocketModule`; `keel` itself knows none of these.\n")
    if ProcessInfo.processInfo.environment["KEEL_RECORD_FIXTURES"] != nil {
      try current.write(to: Self.root.appending(path: "docs/settings.md"), atomically: true, encoding: .utf8)
    }
    #expect(try file("docs/settings.md") == current, "look at the difference, then record it: KEEL_RECORD_FIXTURES=1")
  }

  @Test func `keel.example.yaml is what config example prints`() async throws {
    let current = await output("config", "example")
    #expect(try file("keel.example.yaml") == current, "write it again: keel config example > keel.example.yaml")
  }

  @Test func `keel.example.yaml sets every setting there is to its default`() throws {
    let catalogs = [HostSettings.catalog, LogSettings.catalog, DatabaseSettings.catalog]
    let file = try ConfigurationFile.parse(try file("keel.example.yaml"), path: "keel.example.yaml")
    let configuration = Configuration(file: file)
    try configuration.check(catalogs)
    for row in try configuration.effective(catalogs) {
      #expect(row.value == row.setting.defaultText, "\(row.setting.path)")
      guard case .file = row.source else {
        Issue.record("\(row.setting.path) is not in the file")
        continue
      }
    }
  }

  @Test func `values that YAML would read otherwise are quoted`() throws {
    let odd = Setting("a.odd", default: "- x: #y's", "Odd.")
    let empty = Setting("a.empty", default: "", "Empty.")
    let list = Setting("b.list", default: ["one", "two"], "List.")
    let catalog = SettingsCatalog("a", odd, empty, list)
    let text = SettingsReference(program: "app", catalogs: [catalog]).yaml()
    let configuration = Configuration(file: try ConfigurationFile.parse(text, path: "app.yaml"))
    #expect(try configuration(odd) == "- x: #y's" && configuration(empty).isEmpty)
    #expect(try configuration(list) == ["one", "two"])
  }

  @Test func `the example has settings of every depth, and leaves out defaults that are secret`() throws {
    let catalog = SettingsCatalog(
      "app", Setting("verbose", default: false, "Of no section."), Setting("mail.smtp.host", default: "h", "Deep."),
      Setting("mail.sender", default: "s", "Not so deep."), Setting("mail.smtp.port", default: 25, "Deep, too."),
      Setting("mail.key", default: Secret("hunter2"), "A key."),
      Setting<Secret<String>?>("mail.token", default: nil, "None."))
    let text = SettingsReference(program: "app", catalogs: [catalog]).yaml()
    let configuration = Configuration(file: try ConfigurationFile.parse(text, path: "app.yaml"))
    try configuration.check(catalog)
    let rows = try configuration.effective([catalog])
    #expect(rows.filter { $0.source == .default }.map(\.setting.path) == ["mail.key"])
    #expect(rows.allSatisfy { $0.value == $0.setting.defaultText })
    #expect(text.contains("  # A key.\n  # key: has a secret default\n"))
  }

  @Test func `the table has a row for every setting and breaks at no bar`() throws {
    let bar = Setting("a.bar", default: 1, "This | that.")
    let secret = Setting<Secret<String>?>("a.key", default: nil, "A key.")
    let text = SettingsReference(program: "app", catalogs: [SettingsCatalog("a", bar, secret)]).markdown()
    #expect(text.contains("| `a.bar` | `--a-bar` | `A_BAR` | `1` | This \\| that. |"))
    #expect(text.contains("| `a.key` | `--a-key` | `A_KEY` | none | A key. Secret: never shown. |"))
  }
}
