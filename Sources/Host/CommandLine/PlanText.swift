internal import Migrations

/// What `migrate plan` prints.
enum PlanText {
  /// The SQL in the order of its running, with the transactions around it.
  static func script(_ plan: MigrationPlan, _ style: TerminalStyle) -> String {
    guard !plan.isEmpty else { return style("-- nothing to do", .dim) }
    let parts = plan.steps.map { step in
      let source = step.isFromHistory ? "the SQL kept in the database" : step.script.file
      let header = style("-- \(step) (set \(step.set), \(source))", .bold)
      let sql = step.script.text.trimmingNewlines
      guard step.script.inTransaction else {
        return "\(header)\n\(style("-- outside a transaction: recorded statement by statement", .yellow))\n\(sql)"
      }
      return """
        \(header)
        \(style("BEGIN;", .dim))
        \(sql)
        \(style("-- and the record of it", .dim))
        \(style("COMMIT;", .dim))
        """
    }
    return parts.joined(separator: "\n\n")
  }

  /// What a rehearsal found: every step with its time, the locks below it.
  static func locks(_ steps: [RehearsedStep], _ style: TerminalStyle) -> String {
    guard !steps.isEmpty else { return "nothing to do" }
    let lines = steps.flatMap { rehearsed in
      guard let duration = rehearsed.duration else {
        return ["\(rehearsed.step): \(style("not tried, it \(reason(of: rehearsed))", .yellow))"]
      }
      let head = "\(rehearsed.step): \(Int(duration / .milliseconds(1))) ms"
      return [rehearsed.locks.isEmpty ? head + ", no locks on what is there" : head]
        + rehearsed.locks.map { lock(line: $0, style) }
    }
    let summary = "\(steps.count { $0.duration != nil }) of \(steps.count) tried and rolled back; nothing is changed"
    return (lines + ["", summary]).joined(separator: "\n")
  }

  private static func reason(of rehearsed: RehearsedStep) -> String {
    switch rehearsed.omission {
    case .newEnumValue:
      "uses a value that ALTER TYPE … ADD VALUE added before it, and the server allows that after a commit alone: "
        + "in a real run there is one"
    case .behindOmitted: "comes after one that was not tried"
    case .outsideTransaction, nil: "runs outside a transaction"
    }
  }

  private static func lock(line lock: RehearsedStep.Lock, _ style: TerminalStyle) -> String {
    let line = "  \(lock.modeName) on \(lock.relation) (about \(lock.rows.counted("row")))"
    guard lock.blocksReaders else { return line }
    return style(line + ": WARNING, nobody can read the table until the migration has ended", .red)
  }
}

extension RehearsedStep.Lock {
  /// The mode as SQL and PostgreSQL's documentation write it: `ACCESS EXCLUSIVE`.
  fileprivate var modeName: String {
    var name = ""
    for character in mode.hasSuffix("Lock") ? mode.dropLast(4) : mode[...] {
      if character.isUppercase, !name.isEmpty { name += " " }
      name += character.uppercased()
    }
    return name
  }
}

extension String {
  /// The text without line ends at its end.
  fileprivate var trimmingNewlines: String {
    var text = self[...]
    while let last = text.last, last.isNewline { text.removeLast() }
    return String(text)
  }
}
