import AppConfiguration
import Testing

@testable import Host

@Suite struct CommandParserTests {
  private static let subcommands =
    "up, down, to, redo, version, status, plan, verify, resume, force, baseline, new, import"
  private let parser = CommandParser(catalogs: [HostSettings.catalog, LogSettings.catalog])

  @Test func `settings are flags, with the value in the same word or the next`() throws {
    let command = try parser.parse(["serve", "--listen=:9000", "--log-level", "debug", "--config", "my.yaml"])
    #expect(command.spec.name == "serve")
    #expect(command.settings == ["host.listen": ":9000", "log.level": "debug"])
    #expect(command.value(of: CommandSpec.configFile) == "my.yaml")
  }

  @Test func `a subcommand takes its argument, negative numbers and what follows two dashes included`() throws {
    #expect(try parser.parse(["migrate", "down", "2"]).arguments == ["2"])
    #expect(try parser.parse(["migrate", "to", "-1"]).arguments == ["-1"])
    #expect(try parser.parse(["migrate", "to", "--", "--x"]).arguments == ["--x"])
  }

  @Test(arguments: [
    (["serv"], "unknown command 'serv'; did you mean serve?"),
    (["migrate"], "migrate wants to know what to do: \(Self.subcommands)"),
    (
      ["migrate", "foo"],
      "unknown subcommand 'migrate foo'; there are \(Self.subcommands)"
    ),
    (["--config", "x", "serve"], "flags follow the command: serve --config …"),
    (["--config=x", "migrate", "up"], "flags follow the command: migrate up --config …"),
    (["migrate", "--database-url", "x", "up"], "flags follow the command: migrate up --database-url …"),
    (["--config", "x"], "there is no command; flags follow it, as in serve --config FILE"),
    (["migrate", "down", "--all=yes"], "--all takes no value"),
    (["migrate", "up", "--all"], "unknown flag '--all' of migrate up"),
    (["migrate", "status", "5"], "migrate status takes no argument, but there is '5'"),
    (["migrate", "upp"], "unknown subcommand 'migrate upp'; did you mean migrate up?"),
    (["serve", "--lisen", "x"], "unknown flag '--lisen' of serve; did you mean --listen?"),
    (["serve", "--lisen=x"], "unknown flag '--lisen' of serve; did you mean --listen?"),
    (["serve", "-listen", "x"], "unknown flag '-listen' of serve; did you mean --listen?"),
    (["serve", "--listen"], "--listen wants a value"),
    (["serve", "now"], "serve takes no argument, but there is 'now'"),
    (["version", "--listen", "x"], "unknown flag '--listen' of version"),
    (["qwertyuiop"], "unknown command 'qwertyuiop'"),
    (
      ["postgres://u:hunter2@h/db"],
      "unknown command a connection string (the database follows --database-url)"
    ),
    (
      ["serve", "--database-url:postgres://u:hunter2@h/db"],
      "unknown flag a connection string (the database follows --database-url) of serve"
    ),
  ])
  func `a mistake is named, with what was probably meant`(words: [String], message: String) {
    let error = #expect(throws: UsageError.self) { try parser.parse(words) }
    #expect(error?.description == message)
  }

  @Test func `no words, --help and --version are understood`() throws {
    #expect(try parser.parse([]).spec.name == "help")
    #expect(try parser.parse(["-h"]).spec.name == "help")
    #expect(try parser.parse(["--version"]).spec.name == "version")
    #expect(try parser.parse(["migrate", "up", "--help"]).wantsHelp)
  }

  @Test(arguments: ["--help", "-h"]) func `a first word with --help is explained with all its commands`(
    flag: String
  )
    throws
  {
    let command = try parser.parse(["config", flag])
    #expect(command.wantsHelp)
    #expect(command.family.map(\.name) == ["config show", "config check", "config example", "config reference"])
  }

  @Test func `a flag of the command keeps its meaning, whatever an app calls its settings`() throws {
    let catalog = SettingsCatalog("app", Setting("app.config", default: "", flag: "config", "Something."))
    let command = try CommandParser(catalogs: [catalog]).parse(["serve", "--config", "my.yaml"])
    #expect(command.value(of: CommandSpec.configFile) == "my.yaml" && command.settings.isEmpty)
  }
}
