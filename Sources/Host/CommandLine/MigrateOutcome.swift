internal import FoundationEssentials
internal import Migrations

/// What there is to say after a `migrate` command, to people and to programs.
struct MigrateOutcome: Sendable {
  var text: String
  var json: any Encodable & Sendable
  var code = ExitCode.success

  /// The document that `--json` prints: keys in alphabetical order, two blanks of indentation.
  static func document(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .iso8601
    // Strings, booleans, dates and finite numbers always encode.
    return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}

extension MigrateRequest {
  /// Does it, and says what was done.
  func perform(_ migrator: Migrator, style: TerminalStyle) async throws -> MigrateOutcome {
    switch self {
    case .migrate(let goal): return Self.outcome(try await migrator.migrate(goal))
    case .resume: return Self.outcome(try await migrator.resume())
    case .plan(let goal):
      let plan = try await migrator.plan(goal)
      return MigrateOutcome(text: PlanText.script(plan, style), json: MigrateJSON.Plan(plan))
    case .rehearse(let goal):
      let steps = try await migrator.rehearse(goal)
      return MigrateOutcome(text: PlanText.locks(steps, style), json: MigrateJSON.Rehearsal(steps))
    case .force(let version, let set):
      try await migrator.force(version, set: set)
      return MigrateOutcome(
        text: "the database counts as being at version \(version); nothing was run",
        json: MigrateJSON.Version(version: version, dirty: false))
    case .baseline(let version, let set):
      try await migrator.baseline(version, set: set)
      return MigrateOutcome(
        text: "the database is taken over at version \(version); nothing was run",
        json: MigrateJSON.Version(version: version, dirty: false))
    case .version:
      let status = try await migrator.status()
      return MigrateOutcome(
        text: "\(status.version)\(status.isDirty ? " (dirty)" : "")",
        json: MigrateJSON.Version(version: status.version, dirty: status.isDirty),
        code: status.isDirty ? .findings : .success)
    case .status:
      let status = try await migrator.status()
      let code: ExitCode = status.hasFindings ? .findings : status.pendingCount > 0 ? .pending : .success
      return MigrateOutcome(text: StatusText.table(status, style), json: MigrateJSON.Status(status), code: code)
    case .verify:
      let findings = try await migrator.verify()
      return MigrateOutcome(
        text: findings.isEmpty
          ? "files, record and database agree" : findings.map(\.message).joined(separator: "\n"),
        json: MigrateJSON.Findings(findings), code: findings.isEmpty ? .success : .findings)
    }
  }

  private static func outcome(_ report: MigrationReport) -> MigrateOutcome {
    MigrateOutcome(text: summary(report), json: MigrateJSON.Report(report))
  }

  private static func summary(_ report: MigrationReport) -> String {
    guard !report.completed.isEmpty else {
      let versions = report.sets.map { "\($0.name) \($0.to)" }.joined(separator: ", ")
      return "nothing to do: the database is at " + (report.sets.count > 1 ? versions : "version \(report.to)")
    }
    let total = report.completed.reduce(Duration.zero) { $0 + $1.duration }
    let count = report.completed.count
    let moved = report.sets.filter { set in report.completed.contains { $0.step.set == set.name } }
    let versions =
      report.sets.count > 1
      ? moved.map { "\($0.name) \($0.from) → \($0.to)" }.joined(separator: ", ")
      : "version \(report.from) → \(report.to)"
    return "\(count.counted("migration")) in \(Int(total / .milliseconds(1))) ms: \(versions)"
  }
}

extension MigrationError {
  /// The exit code a script can act on: 3 where files, record and database have to be brought together first.
  var exitCode: ExitCode {
    [.dirty, .outOfOrder, .databaseIsNewer, .setMismatch].contains(code) ? .findings : .failure
  }
}
