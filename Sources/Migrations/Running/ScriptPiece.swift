internal import MigrationFiles
internal import Postgres

/// The server's refusal of a migration's own SQL, as against ours.
struct StatementRefusal: Error {
  var cause: PostgresError
  /// The statement; nil when it was the transaction's beginning or end.
  var statement: SQLStatement?
  /// Where in the statement the error is; nil where the server names no place.
  var position: Int?
  /// Who stood in its way while it waited for a lock.
  var blockers: [LockHolder] = []
}

/// Statements of a script that are sent together, and answered together.
struct ScriptPiece {
  /// A server that gets a text reads it as a whole before it runs the first statement, and needs many times its size for
  /// that. Longer texts save no time.
  private static let limit = 64 * 1024

  /// What is sent.
  private(set) var text: String
  private var statements: [SQLStatement]
  /// Where each statement begins in the text, as the server counts: Unicode scalars from 1.
  private var positions: [Int]
  /// Where the next one would.
  private var end: Int

  private init(_ statement: SQLStatement) {
    text = statement.text
    statements = [statement]
    positions = [1]
    end = 1 + statement.text.unicodeScalars.count
  }

  static func pieces(of statements: [SQLStatement]) -> [ScriptPiece] {
    var pieces: [ScriptPiece] = []
    for statement in statements {
      if let last = pieces.indices.last, pieces[last].text.utf8.count + statement.text.utf8.count <= limit {
        pieces[last].append(statement)
      } else {
        pieces.append(ScriptPiece(statement))
      }
    }
    return pieces
  }

  /// On a line of its own: the last statement may end in a comment.
  private static let separator = "\n;\n"

  private mutating func append(_ statement: SQLStatement) {
    text += Self.separator + statement.text
    statements.append(statement)
    positions.append(end + Self.separator.unicodeScalars.count)
    end += Self.separator.unicodeScalars.count + statement.text.unicodeScalars.count
  }

  /// What is sent with statements of ours around it.
  func text(between beginning: String, and end: String) -> String { beginning + text + Self.separator + end }

  /// The server's refusal of this piece, told which statement it is about and where in it.
  ///
  /// - Parameters:
  ///   - beginning: What stood before the piece in the same text.
  ///   - count: How many statements that was.
  func refusal(_ error: PostgresError, behind beginning: String = "", of count: Int = 0) -> StatementRefusal {
    let place = (error.statementIndex ?? count) - count
    let position = error.position.map { $0 - beginning.unicodeScalars.count }
    // Faults of syntax are found before anything is run, so only the position tells the statement.
    let isOurs = position.map { $0 < 1 } ?? (place < 0)
    if isOurs || place >= statements.count { return StatementRefusal(cause: error) }
    guard let position else { return StatementRefusal(cause: error, statement: statements[place]) }
    let index = positions.lastIndex { $0 <= position } ?? 0
    // A statement that lacks its end fails at the semicolon behind it, which the file may have elsewhere.
    let length = statements[index].text.unicodeScalars.count
    return StatementRefusal(
      cause: error, statement: statements[index], position: min(position - positions[index], length) + 1)
  }
}
