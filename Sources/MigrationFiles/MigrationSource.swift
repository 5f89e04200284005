/// A migration as its files have it.
package struct MigrationSource: Hashable, Sendable {
  /// One direction.
  package struct Script: Hashable, Sendable {
    /// The file, as the caller named it.
    package var path: String
    /// The SQL.
    package var text: String
    /// The line of the file the text begins on.
    package var firstLine = 1
    /// Whether the script runs in a transaction.
    package var inTransaction = true
  }

  /// The number.
  package var version: Int64
  /// The words of the file name.
  package var title: String
  /// What brings the database forward.
  package var up: Script
  /// What brings it back; nil for a migration that cannot be undone.
  package var down: Script?
}

/// The migrations of a folder, and everything that is wrong with it.
package struct MigrationFolder: Sendable {
  /// What to do about an up file without its down file.
  package enum MissingDown: Sendable {
    /// It is a fault.
    case refuse
    /// The migration cannot be undone.
    case allow
  }

  /// The migrations in ascending order.
  package private(set) var migrations: [MigrationSource] = []
  /// The faults in the order of their paths; empty when the folder is in order.
  package private(set) var faults: [FileFault] = []

  /// Reads `files`, which need no particular order.
  package init(files: [(path: String, bytes: [UInt8])], missingDown: MissingDown = .refuse) {
    var halves: [Int64: Halves] = [:]
    var unreadable: Set<Int64> = []
    for file in files.sorted(by: { $0.path < $1.path }) {
      do throws(FileFault) {
        let name = try FileName(path: file.path)
        do throws(FileFault) {
          try Self.read(name, file.path, file.bytes, into: &halves)
        } catch {
          unreadable.insert(name.version)
          throw error
        }
      } catch {
        faults.append(error)
      }
    }
    // Half a version is no second fault when the other half could not be read.
    for (version, half) in halves.sorted(by: { $0.key < $1.key }) where !unreadable.contains(version) {
      do throws(FileFault) {
        migrations.append(try half.paired(version: version, missingDown: missingDown))
      } catch {
        faults.append(error)
      }
    }
  }

  private static func read(
    _ name: FileName, _ path: String, _ bytes: [UInt8], into halves: inout [Int64: Halves]
  ) throws(FileFault) {
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw FileFault(path: path, message: "the file is not UTF-8 text; save it as UTF-8")
    }
    guard !text.isBlank else {
      throw FileFault(
        path: path, message: "the file is empty; where nothing is to be done, say why in a comment (-- …)")
    }
    let directives = try Directives(path: path, text: text)
    var half = halves[name.version] ?? Halves()
    func inTransaction(_ text: String) -> Bool {
      !directives.noTransaction && !MigrationScriptParts.isLoneStatementOutsideTransactions(text)
    }
    func refuseSection(_ direction: String) throws(FileFault) {
      guard GooseFile.hasSection(direction, in: text) else { return }
      throw FileFault(
        path: path,
        message: "\"-- +goose \(direction)\" in a file of the other direction, all of which is run; "
          + "name a goose file NNNNNN_title.sql")
    }
    switch name.role {
    case .up:
      try refuseSection("down")
      let script = MigrationSource.Script(path: path, text: text, inTransaction: inTransaction(text))
      guard !directives.irreversible else {
        throw FileFault(
          path: path, location: TextLocation(line: 1, column: 1), message: "irreversible is said by the down file")
      }
      try half.setUp(name.title, script, version: name.version)
    case .down:
      try refuseSection("up")
      let script = MigrationSource.Script(path: path, text: text, inTransaction: inTransaction(text))
      try half.setDown(script, irreversible: directives.irreversible, version: name.version)
    case .both:
      let goose = try GooseFile(path: path, text: text)
      try half.setUp(
        name.title,
        MigrationSource.Script(
          path: path, text: goose.up.text, firstLine: goose.up.firstLine,
          inTransaction: !goose.noTransaction && inTransaction(goose.up.text)),
        version: name.version)
      let down = goose.down.map {
        MigrationSource.Script(
          path: path, text: $0.text, firstLine: $0.firstLine,
          inTransaction: !goose.noTransaction && inTransaction($0.text))
      }
      if down != nil || directives.irreversible {
        try half.setDown(down, irreversible: directives.irreversible, version: name.version)
      }
    }
    halves[name.version] = half
  }
}

/// The files of one version, as far as they were met.
private struct Halves {
  private var title = ""
  private var up: MigrationSource.Script?
  private var down: MigrationSource.Script?
  private var irreversible = false

  mutating func setUp(_ title: String, _ script: MigrationSource.Script, version: Int64) throws(FileFault) {
    if let up { throw Self.duplicate(version, script.path, up.path) }
    self.title = title
    up = script
  }

  mutating func setDown(_ script: MigrationSource.Script?, irreversible: Bool, version: Int64) throws(FileFault) {
    if let down, let script { throw Self.duplicate(version, script.path, down.path) }
    down = script
    self.irreversible = irreversible
  }

  func paired(version: Int64, missingDown: MigrationFolder.MissingDown) throws(FileFault) -> MigrationSource {
    guard let up else {
      // A version is only met through one of its files, so there is a down; the path is for the message alone.
      throw FileFault(path: down?.path ?? "", message: "version \(version) has a down file and no up file")
    }
    guard down != nil || irreversible || missingDown == .allow else {
      let goose = !up.path.hasSuffix(".up.sql")
      let remedy =
        goose
        ? "add a \"-- +goose Down\" section, or make the first line \"-- keel: irreversible\""
        : "add \(up.path.dropLast(7)).down.sql; one whose first line is \"-- keel: irreversible\" says that there is no way back"
      throw FileFault(path: up.path, message: "version \(version) has no down: \(remedy)")
    }
    return MigrationSource(version: version, title: title, up: up, down: irreversible ? nil : down)
  }

  private static func duplicate(_ version: Int64, _ path: String, _ other: String) -> FileFault {
    FileFault(path: path, message: "version \(version) is taken by \(other); give this one the next free number")
  }
}
