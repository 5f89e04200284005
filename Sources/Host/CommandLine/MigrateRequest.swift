internal import Migrations

/// What `migrate` is asked to do.
enum MigrateRequest: Sendable, Hashable {
  case migrate(MigrationGoal)
  case resume
  case force(version: Int64)
  case version
  case status
  case verify

  /// What a command line asks for.
  ///
  /// - Parameters:
  ///   - word: The subcommand.
  ///   - arguments: What stands after it.
  ///   - all: Whether `--all` does.
  /// - Throws: ``UsageError``.
  init(_ word: String, _ arguments: [String], all: Bool = false) throws(UsageError) {
    guard arguments.count <= 1 else {
      throw UsageError(description: "migrate \(word) takes one argument, but there is '\(arguments[1])' too")
    }
    func number(atLeast minimum: Int64) throws(UsageError) -> Int64? {
      guard let text = arguments.first else { return nil }
      guard let number = Int64(text), number >= minimum else {
        throw UsageError(description: "migrate \(word) wants a number from \(minimum) up, not '\(text)'")
      }
      return number
    }
    func version(_ use: String) throws(UsageError) -> Int64 {
      guard let version = try number(atLeast: 0) else {
        throw UsageError(description: "migrate \(word) wants the version \(use), such as migrate \(word) 21")
      }
      return version
    }
    switch word {
    case "up": self = .migrate(.up(limit: try number(atLeast: 1).map { Int($0) }))
    case "down" where all:
      if let number = arguments.first {
        throw UsageError(description: "migrate down takes a number or --all, not both '\(number)' and --all")
      }
      self = .migrate(.downAll)
    case "down": self = .migrate(.down(count: Int(try number(atLeast: 1) ?? 1)))
    case "to": self = .migrate(.to(try version("to go to")))
    case "redo": self = .migrate(.redo)
    case "resume": self = .resume
    case "force": self = .force(version: try version("that the database has"))
    case "status": self = .status
    case "verify": self = .verify
    default: self = .version
    }
  }

  /// What there is to say afterwards.
  struct Outcome: Sendable {
    var text: String
    var code = ExitCode.success
  }

  /// Does it, and says what was done.
  func perform(_ migrator: Migrator) async throws -> Outcome {
    switch self {
    case .migrate(let goal): return Outcome(text: summary(try await migrator.migrate(goal)))
    case .resume: return Outcome(text: summary(try await migrator.resume()))
    case .force(let version):
      try await migrator.force(version)
      return Outcome(text: "the database counts as being at version \(version); nothing was run")
    case .version: return Outcome(text: "\(try await migrator.version())")
    case .status: return Outcome(text: StatusText.table(try await migrator.status()))
    case .verify:
      let findings = try await migrator.verify()
      guard !findings.isEmpty else { return Outcome(text: "files, record and database agree") }
      return Outcome(text: findings.map(\.message).joined(separator: "\n"), code: .findings)
    }
  }

  private func summary(_ report: MigrationReport) -> String {
    guard !report.completed.isEmpty else { return "nothing to do: the database is at version \(report.to)" }
    let total = report.completed.reduce(Duration.zero) { $0 + $1.duration }
    let count = report.completed.count
    return "\(count) \(count == 1 ? "migration" : "migrations") in \(Int(total / .milliseconds(1))) ms: "
      + "version \(report.from) → \(report.to)"
  }
}
