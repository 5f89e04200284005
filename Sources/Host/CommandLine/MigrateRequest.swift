internal import Migrations

/// What `migrate` is asked to do.
enum MigrateRequest: Sendable {
  case up(limit: Int?)
  case down(count: Int)
  case to(version: Int64)
  case version

  /// - Throws: ``UsageError``.
  init(_ word: String, _ arguments: [String]) throws(UsageError) {
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
    switch word {
    case "up": self = .up(limit: try number(atLeast: 1).map { Int($0) })
    case "down": self = .down(count: Int(try number(atLeast: 1) ?? 1))
    case "to":
      guard let version = try number(atLeast: 0) else {
        throw UsageError(description: "migrate to wants the version to go to, such as migrate to 21")
      }
      self = .to(version: version)
    default: self = .version
    }
  }

  /// Does it, and says what was done.
  func perform(_ migrator: Migrator) async throws -> String {
    switch self {
    case .up(let limit): summary(try await migrator.up(limit: limit))
    case .down(let count): summary(try await migrator.down(count))
    case .to(let version): summary(try await migrator.to(version))
    case .version: "\(try await migrator.version())"
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
