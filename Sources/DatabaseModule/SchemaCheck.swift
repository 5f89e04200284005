internal import Migrations
internal import Postgres

/// Whether the database has what the program's migrations make.
///
/// A database that is ahead is no reason to be unready: while a release is rolled out, the newer program migrates and the
/// older ones serve on. Whether a program may *start* on such a database is what `database.newer_database` says.
struct SchemaCheck: Sendable {
  /// What is wrong with the schema: `expected 32, found 30`.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private let migrator: Migrator

  init(_ migrator: Migrator) { self.migrator = migrator }

  /// - Throws: ``Failure``, or what `client` throws.
  func run(on client: some PostgresClient) async throws {
    guard !migrator.sets.isEmpty else { return }
    let status = try await migrator.status(on: client)
    let faults = status.sets.filter { !$0.isOrphan }.compactMap { Self.fault(of: $0, named: status.sets.count > 1) }
    if let failure = (faults + (status.isDirty ? ["a migration stopped half way"] : [])).nonEmpty {
      throw Failure(description: failure.joined(separator: "; "))
    }
  }

  private static func fault(of set: MigrationStatus.SetStatus, named: Bool) -> String? {
    let missing = set.lines.filter { $0.state == .pending || $0.state == .outOfOrder }
    guard !missing.isEmpty else { return nil }
    let name = named ? "\(set.name): " : ""
    let late = missing.filter { $0.state == .outOfOrder }.map { "\($0.version)" }
    let without = late.isEmpty ? "" : " without \(late.joined(separator: ", "))"
    return "\(name)expected \(set.latestVersion), found \(set.version)\(without)"
  }
}

extension Array {
  fileprivate var nonEmpty: Array? { isEmpty ? nil : self }
}
