import AppConfiguration
import Testing

@testable import Host

@Suite struct HelpTextTests {
  private static let url = Setting<Secret<String>?>("database.url", default: nil, "The server.")
  private static let table = Setting("database.migrations_table", default: "t", flag: "table", "The table.")
  private static let lock = Setting(
    "database.lock_timeout", default: Duration.seconds(5), flag: "lock-timeout", "The wait.")

  private let help = HelpText(
    program: "app",
    catalogs: [HostSettings.catalog, LogSettings.catalog, SettingsCatalog("database", Self.url, Self.table, Self.lock)])

  @Test func `values are called what they are`() {
    let serve = help.explain([.serve])
    for flag in ["--listen ADDR:PORT ", "--database-url URL ", "--log-level LEVEL ", "--config FILE "] {
      #expect(serve.contains(flag))
    }
    #expect(help.explain(CommandSpec.migrate).contains("--lock-timeout DURATION "))
  }

  @Test func `a family of commands is one table and one list of flags`() {
    let text = help.explain(CommandSpec.migrate)
    #expect(text.hasPrefix("Usage: app migrate COMMAND [flags]\n\n  app migrate up [N]"))
    for spec in CommandSpec.migrate { #expect(text.contains("  app \(spec.example)")) }
    for flag in ["--all ", "--dir PATH", "--config FILE", "--table TABLE"] {
      #expect(text.split(separator: "\n").count { $0.hasPrefix("  \(flag)") } == 1)
    }
  }

  @Test func `the variable is recommended where the command line would show a secret`() {
    #expect(help.explain([.serve]).contains("Prefer the variable DATABASE_URL to --database-url"))
    #expect(!help.explain([.version]).contains("Prefer"))
  }

  @Test func `a setting without a default says none`() {
    #expect(help.settings().contains("database.url  (--database-url, DATABASE_URL; default none)"))
    #expect(help.settings().contains("host.listen  (--listen, HOST_LISTEN; default 127.0.0.1:8080)"))
  }

  @Test func `the overview has a line for every command`() {
    let overview = help.overview()
    for spec in CommandSpec.all { #expect(overview.contains("  app \(spec.name) ") && overview.contains(spec.summary)) }
  }

  @Test func `a table is as wide as its cells, without blanks at line ends`() {
    #expect(TextTable.aligned([["a", "bb", ""], ["ccc", "d", "e"]], margin: "") == "a    bb\nccc  d   e")
  }
}
