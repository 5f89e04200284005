/// A script made ready for running: what no runner can do is refused.
package struct MigrationScriptParts: Sendable {
  /// A piece of a script that runs outside a transaction.
  package struct Unit: Sendable, Hashable {
    /// The statements. Several belong together when the file had put them between BEGIN and COMMIT.
    package var statements: [SQLStatement]
    /// Whether the server accepts it inside a transaction, so that the record of it can be written in the same one.
    package var inTransaction: Bool
  }

  /// The statements of a script for a transaction, without a BEGIN and COMMIT of the file's own around them.
  package static func statements(_ text: String) throws(SQLSplitError) -> [SQLStatement] {
    var statements = try SQLSplitter.split(text)
    if statements.count > 1, TransactionCommand(statements[0].words) == .begin,
      TransactionCommand(statements[statements.count - 1].words) == .commit
    {
      statements = settings(of: statements[0]) + statements.dropFirst().dropLast()
    }
    for statement in statements {
      try refuseClientCopy(statement)
      guard TransactionCommand(statement.words) == nil else {
        throw error(
          at: statement,
          "\(statement.words[0]) inside a migration would cut its transaction in two; split the file, "
            + "or let it run outside a transaction with -- keel: no-transaction as the first line")
      }
    }
    return statements
  }

  /// What a BEGIN asks of its transaction, said inside one: `BEGIN ISOLATION LEVEL SERIALIZABLE` is a wish, and not but a
  /// beginning.
  private static func settings(of begin: SQLStatement) -> [SQLStatement] {
    var rest = begin.text[...]
    for word in ["BEGIN", "START", "WORK", "TRANSACTION"] where rest.uppercased().hasPrefix(word) {
      rest = rest.dropFirst(word.count).drop { $0.isWhitespace }
    }
    guard !rest.isEmpty else { return [] }
    var settings = begin
    settings.text = "SET TRANSACTION \(rest)"
    settings.words = ["SET", "TRANSACTION"]
    return [settings]
  }

  /// The pieces of a script that runs outside a transaction.
  package static func units(_ text: String) throws(SQLSplitError) -> [Unit] {
    var units: [Unit] = []
    var open: [SQLStatement]?
    var opening: SQLStatement?
    for statement in try SQLSplitter.split(text) {
      try refuseClientCopy(statement)
      switch (TransactionCommand(statement.words), open) {
      case (.begin, nil):
        (open, opening) = (settings(of: statement), statement)
      case (.commit, .some(let statements)):
        if !statements.isEmpty { units.append(Unit(statements: statements, inTransaction: true)) }
        open = nil
      case (.some, _):
        throw error(
          at: statement,
          "\(statement.words[0]) has no place here; a file without a transaction may hold BEGIN; …; COMMIT; groups")
      case (nil, .some):
        open?.append(statement)
      case (nil, nil):
        units.append(Unit(statements: [statement], inTransaction: !standsAlone(statement)))
      }
    }
    if open != nil, let opening { throw error(at: opening, "this transaction is not committed in the file") }
    return units
  }

  /// Whether the server may refuse a statement inside a transaction. Procedures and blocks may commit by themselves.
  private static func standsAlone(_ statement: SQLStatement) -> Bool {
    switch (statement.words.first, statement.words.dropFirst().first) {
    case ("VACUUM", _), ("REINDEX", _), ("CLUSTER", _), ("CALL", _), ("DO", _), ("ALTER", "SYSTEM"): true
    case (_, "DATABASE"), (_, "TABLESPACE"), (_, "SUBSCRIPTION"): true
    default: statement.text.uppercased().contains("CONCURRENTLY")
    }
  }

  /// Whether a file consists of one statement that the server refuses inside a transaction. Tools that send a file as it
  /// is, golang-migrate among them, run such a file; so it needs no directive here either.
  package static func isLoneStatementOutsideTransactions(_ text: String) -> Bool {
    guard let statements = try? SQLSplitter.split(text), statements.count == 1, let statement = statements.first else {
      return false
    }
    switch (statement.words.first, statement.words.dropFirst().first) {
    case ("VACUUM", _), ("ALTER", "SYSTEM"): return true
    case ("CREATE", "DATABASE"), ("DROP", "DATABASE"), ("CREATE", "TABLESPACE"), ("DROP", "TABLESPACE"): return true
    case ("DISCARD", "ALL"), ("REINDEX", "DATABASE"), ("REINDEX", "SCHEMA"), ("REINDEX", "SYSTEM"): return true
    case ("ALTER", "TABLE"):
      let words = statement.text.uppercased().split(whereSeparator: \.isWhitespace)
      return words.contains("DETACH") && words.last == "CONCURRENTLY"
    case ("REINDEX", _): return statement.text.uppercased().contains("CONCURRENTLY")
    default: return ConcurrentIndex(statement) != nil
    }
  }

  private static func refuseClientCopy(_ statement: SQLStatement) throws(SQLSplitError) {
    guard statement.copiesThroughClient else { return }
    throw error(
      at: statement,
      "COPY between server and client has no data here: a migration is SQL alone; use INSERT, or COPY from a file of the server"
    )
  }

  private static func error(at statement: SQLStatement, _ message: String) -> SQLSplitError {
    SQLSplitError(location: statement.location, position: statement.position, message: message)
  }
}

/// The statements that begin or end a transaction.
private enum TransactionCommand {
  case begin
  case commit
  case rollback

  init?(_ words: [String]) {
    let words = words.filter { $0 != "WORK" }
    switch (words.first, words.dropFirst().first) {
    case ("ROLLBACK", "TRANSACTION") where words.dropFirst(2).first == "TO": return nil
    case ("BEGIN", _), ("START", "TRANSACTION"): self = .begin
    case ("COMMIT", "PREPARED"), ("ROLLBACK", "TO"), ("ROLLBACK", "PREPARED"): return nil
    case ("COMMIT", _), ("END", _): self = .commit
    case ("ROLLBACK", _), ("ABORT", _), ("PREPARE", "TRANSACTION"): self = .rollback
    default: return nil
    }
  }
}
