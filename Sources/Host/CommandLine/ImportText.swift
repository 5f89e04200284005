internal import Migrations

/// What `migrate import` prints: what a folder holds, what has to be done to it, and how to go on.
enum ImportText {
  static func explain(_ survey: MigrationSurvey, program: String) -> String {
    var parts = [found(survey)]
    let remarks = remarks(survey)
    if !remarks.isEmpty { parts.append(remarks.joined(separator: "\n")) }
    if !survey.faults.isEmpty {
      parts.append((["To be put right:"] + survey.faults.map { "  \($0)" }).joined(separator: "\n"))
    }
    parts.append(goingOn(survey, program: program))
    return parts.joined(separator: "\n\n")
  }

  private static func found(_ survey: MigrationSurvey) -> String {
    let forms = MigrationSurvey.Form.allCases.compactMap { form in
      survey.files[form].map { "  \($0.count.counted("file")) \(form.explanation)" }
    }
    var head = "\(survey.directory): \(survey.migrations.count.counted("migration")) that can be read"
    if let first = survey.migrations.first, let last = survey.migrations.last {
      head += ", \(first.version) to \(last.version)"
    }
    return ([head] + forms).joined(separator: "\n")
  }

  private static func remarks(_ survey: MigrationSurvey) -> [String] {
    let migrations = survey.migrations
    var remarks: [String] = []
    let alone = migrations.filter { !$0.up.inTransaction }
    if !alone.isEmpty { remarks.append("Outside a transaction, statement by statement: \(names(alone))") }
    let oneWay = migrations.filter { $0.down == nil }
    if !oneWay.isEmpty { remarks.append("Without a way back: \(names(oneWay))") }
    let gaps = zip(migrations, migrations.dropFirst()).count { $1.version - $0.version > 1 }
    if gaps > 0, (migrations.last?.version ?? 0) < 1_000_000 {
      remarks.append("Gaps in the numbers: \(gaps). They only order, so there is nothing to do.")
    }
    return remarks
  }

  private static func names(_ migrations: [Migration]) -> String {
    migrations.map { "\($0.version) \($0.title)" }.joined(separator: ", ")
  }

  private static func goingOn(_ survey: MigrationSurvey, program: String) -> String {
    guard survey.isRunnable else {
      return "Until that is done \(program) migrate refuses the folder."
    }
    let flag = "--dir \(survey.directory)"
    var lines = [
      "The folder runs as it is:",
      "  \(program) migrate status \(flag)",
      "A database of golang-migrate goes on by itself: its table schema_migrations is this program's too.",
    ]
    if survey.files[.goose] != nil {
      lines += [
        "A database of goose keeps its version in a table of its own. Ask it, and take the database over at that version:",
        "  SELECT max(version_id) FROM goose_db_version WHERE is_applied",
        "  \(program) migrate baseline VERSION \(flag)",
      ]
    }
    return lines.joined(separator: "\n")
  }
}

extension MigrationSurvey.Form {
  /// What completes "3 files …".
  fileprivate var explanation: String {
    switch self {
    case .pairs: "NNN_title.up.sql or .down.sql, as golang-migrate has them"
    case .goose: "with \"-- +goose Up\", as goose has them"
    case .flyway:
      "of Flyway: make V7__title.sql 7_title.up.sql and U7__title.sql 7_title.down.sql; for R__ files, which run again "
        + "whenever they change, write a new migration at each change; Flyway's history becomes a baseline"
    case .dbmate:
      "of dbmate: put what follows \"-- migrate:up\" into NNN_title.up.sql, what follows \"-- migrate:down\" into "
        + "NNN_title.down.sql"
    case .tern:
      "of tern: put what is above the line \"---- create above / drop below ----\" into NNN_title.up.sql, what is below "
        + "into NNN_title.down.sql"
    case .liquibase:
      "of Liquibase: each changeset becomes NNN_title.up.sql, its \"--rollback\" lines NNN_title.down.sql"
    case .unknown: "of no form that is known here: name them NNN_title.up.sql and NNN_title.down.sql"
    }
  }
}
