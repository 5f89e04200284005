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
      let command = try CommandParser(catalogs: catalogs).parse(words)
      return try await perform(command, catalogs)
    } catch let error as UsageError {
      console.complain("\(Application.name): \(error)\nTry \(Application.name) help\(topic(of: words)).")
      return .usage
    } catch {
      console.complain("\(Application.name): \(Failure.message(of: error))")
      return .failure
    }
  }

  /// What to ask `help` about after a mistake in these words.
  private func topic(of words: [String]) -> String {
    guard let word = words.first, word != "help", CommandSpec.all.contains(where: { $0.words[0] == word }) else {
      return ""
    }
    return " \(word)"
  }

  private func perform(_ command: ParsedCommand, _ catalogs: [SettingsCatalog]) async throws -> ExitCode {
    let help = HelpText(program: Application.name, catalogs: catalogs)
    if command.wantsHelp {
      console.write(help.explain([command.spec]))
      return .success
    }
    switch command.spec.words[0] {
    case "serve": try await serve(configuration(command, catalogs))
    case "migrate": return try await migrate(command, catalogs)
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
      throw UsageError(description: "there is no command '\(words.joined(separator: " "))' to explain")
    }
    console.write(help.explain(matches))
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

  func configuration(_ command: ParsedCommand, _ catalogs: [SettingsCatalog]) throws -> Configuration {
    let defaultFile = "keel.yaml"
    let file =
      try command.value(of: CommandSpec.configFile).map(ConfigurationFile.load)
      ?? (FileManager.default.fileExists(atPath: defaultFile) ? ConfigurationFile.load(path: defaultFile) : nil)
    let configuration = Configuration(
      flags: command.settings, environment: ProcessInfo.processInfo.environment, file: file)
    do {
      try configuration.check(catalogs)
    } catch {
      // A value that a flag cannot have is a mistake in the command line, like a flag that does not exist.
      guard error.faults.contains(where: \.isOfCommandLine) else { throw error }
      throw UsageError(description: "\(error)")
    }
    return configuration
  }

  // MARK: Apps

  func app(
    _ configuration: Configuration, logger: Logger, onDemand: Bool = false,
    @ModuleBuilder _ more: () -> [any ModuleElement] = { [] }
  ) -> App {
    var options = App.Options()
    options.name = Application.name
    options.buildsOnDemandOnly = onDemand
    options.observers = onDemand ? [] : [ContainerLog(logger)]
    if let settings = try? HostSettings(configuration) {
      options.startTimeout = settings.startTimeout
      options.stopTimeout = settings.shutdownTimeout
    }
    let application = Application()
    let more = more()
    return App(options) {
      HostModule(program: Application.name, version: Application.version, configuration, logger)
      application.body
      more
    }
  }

  private func serve(_ configuration: Configuration) async throws {
    let logger = try LogSettings(configuration).logger(Application.name)
    let start = ContinuousClock.now
    logger.info("starting", ["version": .string(Application.version)])
    let app = app(configuration, logger: logger)
    try app.validate()
    let reason = try await app.run {
      // Nothing is thrown: an app that runs has built its readiness.
      try? await app.get(Readiness.self).becomeReady()
      logger.info("ready", ["took": .duration(.now - start)])
    }
    logger.info("stopped", ["reason": .string("\(reason)")])
  }
}

extension ConfigurationFault {
  fileprivate var isOfCommandLine: Bool {
    if case .flag = source { true } else { false }
  }
}
