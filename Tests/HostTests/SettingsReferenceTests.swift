import AppConfiguration
import Container
import DatabaseModule
import FoundationEssentials
import Synchronization
import Testing

@testable import Host

/// The pages of the repository that are made of the reference app's settings.
@Suite struct SettingsReferenceTests {
  private struct Keel: HostApplication {
    static let name = "keel"
    var body: [any ModuleElement] { DatabaseModule() }
  }

  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private func output(_ words: String...) async -> String {
    let output = Mutex("")
    let console = Console(output: { text in output.withLock { $0 += text + "\n" } }, errors: { Issue.record("\($0)") })
    #expect(await Commands(Keel.self, console: console).run(words) == .success)
    return output.withLock { $0 }
  }

  private func file(_ name: String) throws -> String {
    try String(contentsOf: Self.root.appending(path: name), encoding: .utf8)
  }

  @Test func `docs settings.md is what config reference prints`() async throws {
    let current = await output("config", "reference")
    #expect(try file("docs/settings.md") == current, "write it again: keel config reference > docs/settings.md")
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

  @Test func `the table has a row for every setting and breaks at no bar`() throws {
    let bar = Setting("a.bar", default: 1, "This | that.")
    let secret = Setting<Secret<String>?>("a.key", default: nil, "A key.")
    let text = SettingsReference(program: "app", catalogs: [SettingsCatalog("a", bar, secret)]).markdown()
    #expect(text.contains("| `a.bar` | `--a-bar` | `A_BAR` | `1` | This \\| that. |"))
    #expect(text.contains("| `a.key` | `--a-key` | `A_KEY` | none | A key. Secret: never shown. |"))
  }
}
