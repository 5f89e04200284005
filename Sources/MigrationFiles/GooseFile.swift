/// The two directions of a goose file: one file, cut by `-- +goose Up` and `-- +goose Down`.
///
/// `StatementBegin` and `StatementEnd` are checked and otherwise not needed: a section goes to the server whole, and the
/// splitter that serves files without a transaction knows function bodies by itself.
package struct GooseFile: Hashable, Sendable {
  /// One direction.
  package struct Section: Hashable, Sendable {
    /// The SQL of the section.
    package var text: String
    /// The line of the file the text begins on.
    package var firstLine: Int
  }

  /// The SQL after `-- +goose Up`.
  package var up: Section
  /// The SQL after `-- +goose Down`, when there is one.
  package var down: Section?
  /// Whether `-- +goose NO TRANSACTION` stands anywhere in the file: it speaks for both directions.
  package var noTransaction: Bool

  /// Whether `text` has a goose annotation at all.
  package static func isGoose(_ text: String) -> Bool {
    text.lines.contains { $0.lineComment?.value(after: "+goose") != nil }
  }

  /// Whether `text` has a section of its own for a direction: `up` or `down`.
  static func hasSection(_ direction: String, in text: String) -> Bool {
    text.lines.contains { line in
      line.lineComment?.value(after: "+goose")?.drop(while: \.isWhitespace).lowercased() == direction
    }
  }

  /// Reads a goose file.
  package init(path: String, text: String) throws(FileFault) {
    guard Self.isGoose(text) else { throw Self.unmarked(path) }
    var reader = GooseReader(path: path)
    for line in text.lines { try reader.read(line) }
    self = try reader.file()
  }

  fileprivate static func unmarked(_ path: String) -> FileFault {
    FileFault(
      path: path,
      message: "neither a pair (NNNNNN_title.up.sql, NNNNNN_title.down.sql) nor a goose file with \"-- +goose Up\"")
  }

  fileprivate init(up: Section, down: Section?, noTransaction: Bool) {
    self.up = up
    self.down = down
    self.noTransaction = noTransaction
  }
}

private struct GooseReader {
  let path: String
  private var number = 0
  private var statementBegan: Int?
  private var noTransaction = false
  private var up: GooseFile.Section?
  private var down: GooseFile.Section?

  init(path: String) {
    self.path = path
  }

  mutating func read(_ line: Substring) throws(FileFault) {
    number += 1
    guard let words = line.lineComment?.value(after: "+goose") else { return try readSQL(line) }
    let command = words.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    switch command.lowercased() {
    case "up":
      guard up == nil else { throw fault("there is a second \"-- +goose Up\"; a file has one") }
      up = GooseFile.Section(text: "", firstLine: number + 1)
    case "down":
      guard up != nil else { throw fault("\"-- +goose Down\" stands before \"-- +goose Up\"") }
      guard down == nil else { throw fault("there is a second \"-- +goose Down\"; a file has one") }
      try endOfSection()
      down = GooseFile.Section(text: "", firstLine: number + 1)
    case "no transaction":
      noTransaction = true
      try keepLineCount()
    case "statementbegin":
      guard statementBegan == nil else { throw fault("StatementBegin stands inside another one") }
      statementBegan = number
      try keepLineCount()
    case "statementend":
      guard statementBegan != nil else { throw fault("StatementEnd without its StatementBegin") }
      statementBegan = nil
      try keepLineCount()
    case "envsub on", "envsub off":
      throw fault("environment variables are not put into migrations: the same file must mean the same everywhere")
    default:
      throw fault(
        "unknown annotation \"+goose \(command)\"; there are Up, Down, StatementBegin, StatementEnd and NO TRANSACTION")
    }
  }

  mutating func file() throws(FileFault) -> GooseFile {
    try endOfSection()
    guard let up else { throw GooseFile.unmarked(path) }
    return GooseFile(up: up, down: down, noTransaction: noTransaction)
  }

  private mutating func readSQL(_ line: Substring) throws(FileFault) {
    if down != nil {
      down?.text += line + "\n"
    } else if up != nil {
      up?.text += line + "\n"
    } else if line.lineComment == nil, !line.isBlank {
      throw fault("SQL before \"-- +goose Up\"")
    }
  }

  /// An annotation inside a section leaves an empty line, so that later lines keep their numbers.
  private mutating func keepLineCount() throws(FileFault) {
    try readSQL("")
  }

  private func endOfSection() throws(FileFault) {
    guard let statementBegan else { return }
    throw FileFault(
      path: path, location: TextLocation(line: statementBegan, column: 1),
      message: "StatementBegin without its StatementEnd")
  }

  private func fault(_ message: String) -> FileFault {
    FileFault(path: path, location: TextLocation(line: number, column: 1), message: message)
  }
}
