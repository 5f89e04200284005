internal import MigrationFiles
internal import Postgres

extension Migration.Script {
  /// Refuses what cannot be run: strings without end, a COMMIT in the middle, a COPY from the client.
  func checkSyntax() throws(MigrationError) {
    if inTransaction { _ = try statements() } else { _ = try units() }
  }

  /// The statements for a transaction, without a BEGIN and COMMIT of the file's own around them.
  func statements() throws(MigrationError) -> [SQLStatement] {
    do {
      return try MigrationScriptParts.statements(text)
    } catch {
      throw invalid(error)
    }
  }

  /// The pieces for running outside a transaction.
  func units() throws(MigrationError) -> [MigrationScriptParts.Unit] {
    do {
      return try MigrationScriptParts.units(text)
    } catch {
      throw invalid(error)
    }
  }

  /// The place of the `position`th character, from 1, as the server counts.
  func location(at position: Int) -> MigrationError.Location {
    let excerpt = TextExcerpt(of: text, position: position, firstLine: firstLine)
    return MigrationError.Location(
      file: file, line: excerpt.location.line, column: excerpt.location.column, excerpt: excerpt.marked)
  }

  private func invalid(_ error: SQLSplitError) -> MigrationError {
    MigrationError(.invalidScript, error.message, at: location(at: error.position))
  }
}

extension MigrationStep {
  /// The server's refusal of this step, at its place in the file.
  ///
  /// - Parameter consequence: What is left of the step.
  func failure(_ refusal: StatementRefusal, consequence: String = "nothing of it was kept") -> MigrationError {
    let error = refusal.cause
    var message = "\(self) failed: \(error.message)"
    if let state = error.sqlState { message += " (SQLSTATE \(state))" }
    if let constraint = error.constraint { message += " [constraint \(constraint)]" }
    if let hint = error.hint { message += "; hint: \(hint)" }
    // Where the server names no place, the statement's beginning is it.
    let position = refusal.statement.map { $0.position + (refusal.position ?? 1) - 1 }
    let place = refusal.statement == nil ? "\(script.file): " : ""
    message += "; " + consequence
    if error.isWaitForLock, !refusal.blockers.isEmpty {
      message += "; in its way: " + refusal.blockers.map { "\($0): \($0.outline)" }.joined(separator: "; ")
    }
    return MigrationError(.scriptFailed, place + message, at: position.map(script.location), cause: error)
  }
}

extension PostgresError {
  /// Whether a lock was not to be had: the same migration may well succeed a moment later.
  var isWaitForLock: Bool {
    sqlState?.rawValue == "55P03" || sqlState?.rawValue == "40P01"
  }
}

extension Duration {
  /// In whole milliseconds, at least 1: 0 would mean no limit to the server. It counts them in 32 bits.
  var milliseconds: Int64 { Int64(min(max(1, self / .milliseconds(1)), Double(Int32.max))) }
}
