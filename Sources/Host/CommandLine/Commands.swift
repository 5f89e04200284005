internal import AppConfiguration
internal import Container
internal import FoundationEssentials
internal import StructuredLogging

/// The settings of all modules of an app.
private struct SettingsOfModules: Sendable {
  let catalogs: [SettingsCatalog]
}

/// The commands of a program.
struct Commands<Application: HostApplication> {
  let console: Console

  init(_ application: Application.Type, console: Console = .standard) { self.console = console }

  /// Does what the words say.
  func run(_ words: [String]) async -> ExitCode {
    do {
      let catalogs = try await settingsCatalogs()
      if words.first == CommandSpec.complete.name {
        let answer = Completer(catalogs: catalogs).complete(
          Array(words.dropFirst(words.dropFirst().first == "--" ? 2 : 1)))
        console.write(CompletionScript.lines(answer))
        return .success
      }
      let command = try CommandParser(catalogs: catalogs).parse(words)
      let code = try await perform(command, catalogs)
      guard let reason = console.outputFailure() else { return code }
      console.complain("\(Application.name): cannot write the output: \(reason)")
      return code == .success ? .failure : code
    } catch {
      if words.first == "migrate", words.contains("--\(CommandSpec.json.name)") {
        console.write(MigrateOutcome.document(MigrateJSON.Failure(error)))
      }
      guard error is UsageError else {
        console.complain("\(Application.name): \(Failure.message(of: error))")
        return .failure
      }
      console.complain("\(Application.name): \(error)\nTry \(Application.name) help\(topic(of: words)).")
      return .usage
    }
  }

  /// What to ask `help` about after a mistake in these words.
  private func topic(of words: [String]) -> String {
    guard let word = words.first, word != "help", CommandSpec.all.contains(where: { $0.words[0] == word }) else {
      return ""
    }
    let command = Array(words.prefix(2))
    return CommandSpec.all.contains { $0.words == command } ? " \(command.joined(separator: " "))" : " \(word)"
  }

  private func perform(_ command: ParsedCommand, _ catalogs: [SettingsCatalog]) async throws -> ExitCode {
    let help = HelpText(program: Application.name, catalogs: catalogs)
    if command.wantsHelp {
      console.write(help.explain(command.family.isEmpty ? [command.spec] : command.family))
      return .success
    }
    switch command.spec.words[0] {
    case "serve":
      return try await serve(configuration(command, catalogs), catalogs) { try configuration(command, catalogs) }
    case "migrate": return try await migrate(command, catalogs)
    case "config": try await config(command, catalogs)
    case "graph": try graph(command, catalogs)
    case "doctor": return try await doctor(command, catalogs)
    case "completion": try completion(command.arguments)
    case "version": console.write("\(Application.name) \(Application.version)")
    default: try explain(command.arguments, help)
    }
    return .success
  }

  private func explain(_ words: [String], _ help: HelpText) throws {
    if words.isEmpty { return console.write(help.overview()) }
    if words == ["settings"] { return console.write(help.settings()) }
    let matches = CommandSpec.all.filter { $0.words.starts(with: words) }
    guard !matches.isEmpty else {
      throw UsageError(description: "there is no command \(words.joined(separator: " ").asArgument) to explain")
    }
    console.write(help.explain(matches))
  }

  private func completion(_ words: [String]) throws {
    guard words.count == 1, let script = CompletionScript.script(for: words[0], program: Application.name) else {
      throw UsageError(description: "completion wants a shell: \(CompletionScript.shells.joined(separator: ", "))")
    }
    console.write(script)
  }

  // MARK: Configuration

  /// What the app's modules can be told. Found in an app that is never started.
  private func settingsCatalogs() async throws -> [SettingsCatalog] {
    let app = app(Configuration(), logger: .none, onDemand: true) {
      Provide { (catalogs: Group<SettingsCatalog>) in SettingsOfModules(catalogs: Array(catalogs)) }
    }
    try await app.start()
    let catalogs = try await app.get(SettingsOfModules.self).catalogs
    try await app.stop()
    return catalogs
  }

  /// What flags, environment, file and preset say together.
  func configuration(_ command: ParsedCommand, _ catalogs: [SettingsCatalog]) throws -> Configuration {
    let defaultFile = "keel.yaml"
    let file =
      try command.value(of: CommandSpec.configFile).map(ConfigurationFile.load)
      ?? (FileManager.default.fileExists(atPath: defaultFile) ? ConfigurationFile.load(path: defaultFile) : nil)
    let environment = ProcessInfo.processInfo.environment
    do {
      let configuration = try Configuration(flags: command.settings, environment: environment, file: file)
        .readingFileVariables(catalogs)
      try configuration.check(catalogs)
      let preset = try configuration(HostSettings.preset)
      return configuration.with(preset.values(environment))
    } catch {
      // A value that a flag cannot have is a mistake in the command line, like a flag that does not exist.
      guard error.faults.contains(where: \.isOfCommandLine) else { throw error }
      throw UsageError(description: "\(error)")
    }
  }

  // MARK: Apps

  func app(
    _ configuration: Configuration, logger: Logger, onDemand: Bool = false,
    observers: [any ContainerObserver] = [],
    @ModuleBuilder _ more: () -> [any ModuleElement] = { [] }
  ) -> App {
    var options = App.Options()
    options.name = Application.name
    options.buildsOnDemandOnly = onDemand
    let failures = RunFailures()
    options.observers = onDemand ? [] : [ContainerLog(logger), failures] + observers
    if let settings = try? HostSettings(configuration) {
      options.startTimeout = settings.startTimeout
      options.stopTimeout = settings.shutdown.app
    }
    let application = Application()
    let more = more()
    return App(options) {
      HostModule(
        program: Application.name, version: Application.version, configuration, logger, failures: failures)
      application.body
      more
    }
  }
}

extension ConfigurationFault {
  fileprivate var isOfCommandLine: Bool {
    if case .flag = source { true } else { false }
  }
}
