internal import AppConfiguration
internal import Container
internal import DatabaseModule
internal import FoundationEssentials
internal import Migrations
internal import StructuredLogging

extension Commands {
  /// Does what `migrate …` asks for.
  func migrate(_ command: ParsedCommand, _ catalogs: [SettingsCatalog]) async throws -> ExitCode {
    switch command.spec.words[1] {
    case "new": return try newMigration(command)
    case "import": return try explainFolder(command)
    default: break
    }
    let isJSON = command.has(CommandSpec.json)
    do {
      let request = try MigrateRequest(command)
      let files = try command.value(of: CommandSpec.directory).map { try MigrationSet(directory: $0) }
      let course = MigrationCourse()
      let outcome = try await withMigrator(files, configuration(command, catalogs), course) { migrator, progress in
        if case .migrate(.downAll) = request, !command.has(CommandSpec.yes) {
          guard try await confirmDownAll(migrator) else { return nil as MigrateOutcome? }
        }
        return try await course.interruptible(request) {
          guard let progress, !isJSON else { return try await request.perform(migrator, style: console.style) }
          return try await progress.show { try await request.perform(migrator, style: console.style) }
        }
      }
      guard let outcome else {
        if isJSON { console.write(MigrateOutcome.document(MigrateJSON.Failure.declined)) }
        console.complain("nothing was undone")
        return .failure
      }
      console.write(isJSON ? MigrateOutcome.document(outcome.json) : outcome.text)
      return outcome.code
    } catch let error as MigrationError {
      if isJSON { console.write(MigrateOutcome.document(MigrateJSON.Failure(error))) }
      console.complain("\(Application.name): \(error)")
      return error.exitCode
    } catch let interruption as MigrationInterruption {
      if isJSON { console.write(MigrateOutcome.document(MigrateJSON.Failure(interruption))) }
      console.complain("\(Application.name): \(interruption)")
      return interruption.exitCode
    }
  }

  /// Lends a migrator of the app, of which nothing is started but what that needs.
  private func withMigrator<Result: Sendable>(
    _ files: MigrationSet?, _ configuration: Configuration, _ course: MigrationCourse,
    _ body: (Migrator, MigrationProgress?) async throws -> Result
  ) async throws -> Result {
    let logger = try LogSettings(configuration).logger(Application.name)
    let app = app(configuration, logger: logger, onDemand: true) { Supply(EmbeddedServerSharing()) }
    try await app.start()
    do {
      let known: Migrator = try await app.get()
      let server: DatabaseServer = try await app.get()
      let progress = MigrationProgress(console)
      var settings = known.configuration
      // One of the two is enough: the lines at a terminal, or the log.
      settings.logsEvents = progress == nil
      let migrator = Migrator(
        files.map { [$0] } ?? known.sets, options: server.options, loop: try await app.get(),
        logger: logger.labelled("database"), configuration: settings
      ) { event in
        course.observe(event)
        progress?.observe(event)
      }
      let result = try await body(migrator, progress)
      try await app.stop()
      return result
    } catch {
      // The first error is the one that matters; a failing stop is in the log.
      try? await app.stop()
      throw error
    }
  }

  private func confirmDownAll(_ migrator: Migrator) async throws -> Bool {
    let count = try await migrator.plan(.downAll).steps.count
    guard count > 0 else { return true }
    let migrations = count.counted("migration")
    guard console.canAsk else {
      throw UsageError(
        description: "migrate down --all asks before it undoes \(migrations), and nobody is there to answer: "
          + "say --yes")
    }
    return await console.confirm(
      "This undoes \(count == 1 ? migrations : "all \(migrations)"); the tables go with everything in them. Go on? [y/N]"
    )
  }

  private func newMigration(_ command: ParsedCommand) throws -> ExitCode {
    guard !command.arguments.isEmpty else {
      throw UsageError(description: "migrate new wants a title, such as migrate new add users")
    }
    guard let folder = command.value(of: CommandSpec.directory) ?? migrationsFolder() else {
      throw UsageError(
        description: "there are no .sql files in migrations: name the folder with --dir, such as migrate new add users "
          + "--dir Sources/\(Application.name)/migrations")
    }
    let template = try MigrationTemplate(title: command.arguments.joined(separator: " "), in: folder)
    console.write(template.up + "\n" + template.down)
    return .success
  }

  /// Where new migrations go: where there are some, or into the target of the program. A folder made by accident is
  /// compiled in by nobody, and its numbers begin anew.
  func migrationsFolder(in root: String? = nil) -> String? {
    let (files, root) = (FileManager.default, root.map { $0 + "/" } ?? "")
    let target = "\(root)Sources/\(Application.name)"
    for folder in ["\(root)migrations", "\(target)/migrations"] {
      let entries = (try? files.contentsOfDirectory(atPath: folder)) ?? []
      if entries.contains(where: { $0.hasSuffix(".sql") }) { return folder }
    }
    return files.fileExists(atPath: target) ? "\(target)/migrations" : nil
  }

  private func explainFolder(_ command: ParsedCommand) throws -> ExitCode {
    guard command.arguments.count == 1 else {
      throw UsageError(description: "migrate import wants one folder, such as migrate import db/migrations")
    }
    let survey = try MigrationSurvey(directory: command.arguments[0])
    console.write(ImportText.explain(survey, program: Application.name))
    return survey.isRunnable ? .success : .failure
  }
}
