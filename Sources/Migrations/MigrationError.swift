/// Why migrating failed, in words an operator can act on.
public struct MigrationError: Error, Sendable {
  /// The kind of failure.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Name: String {
      case invalidFiles, invalidScript, noSuchVersion, nothingApplied, redoUnfinished, irreversible
      case outOfOrder, databaseIsNewer, dirty, notDirty, alreadyMigrated, setMismatch, locked, lockLost, scriptFailed
      case changedMeanwhile, database
    }

    private var name: Name

    private init(_ name: Name) { self.name = name }

    /// The files break a rule: a bad name, a duplicate version, a missing down, an empty file.
    public static let invalidFiles = Code(.invalidFiles)
    /// A script cannot be run as it is: a `COMMIT` in its middle, a `COPY` from the client, a string without end.
    public static let invalidScript = Code(.invalidScript)
    /// The version that was asked for does not exist.
    public static let noSuchVersion = Code(.noSuchVersion)
    /// There is nothing to undo.
    public static let nothingApplied = Code(.nothingApplied)
    /// A redo undid a migration and did not apply it again; another one would undo the one before.
    public static let redoUnfinished = Code(.redoUnfinished)
    /// A migration that has no way back was to be undone.
    public static let irreversible = Code(.irreversible)
    /// A lower version appeared after a higher one was applied.
    public static let outOfOrder = Code(.outOfOrder)
    /// The database has migrations that this program does not know.
    public static let databaseIsNewer = Code(.databaseIsNewer)
    /// A migration stopped half way, outside a transaction.
    public static let dirty = Code(.dirty)
    /// There is no migration to resume.
    public static let notDirty = Code(.notDirty)
    /// The database has a version already, where one without was expected.
    public static let alreadyMigrated = Code(.alreadyMigrated)
    /// The version table belongs to another set than the one that is listed first.
    public static let setMismatch = Code(.setMismatch)
    /// Another migrator held the lock for longer than the wait.
    public static let locked = Code(.locked)
    /// The connection that held the lock broke.
    public static let lockLost = Code(.lockLost)
    /// The server refused a script.
    public static let scriptFailed = Code(.scriptFailed)
    /// Somebody else migrated the database at the same time without the lock.
    public static let changedMeanwhile = Code(.changedMeanwhile)
    /// The database could not be reached or did not do what was asked.
    public static let database = Code(.database)

    /// The name of the code.
    public var description: String { name.rawValue }
  }

  /// The place in a file that a message is about.
  public struct Location: Sendable, Hashable {
    /// The file.
    public var file: String
    /// The line, from 1.
    public var line: Int
    /// The column, from 1.
    public var column: Int
    /// The line itself and, below it, a caret under the column.
    public var excerpt: String
  }

  /// The kind of failure.
  public var code: Code
  /// What failed, on what, and what to do.
  public var message: String
  /// The place in the file, when it is known.
  public var location: Location?
  /// The migrations of the same call that were carried out before, and stand.
  public var completed: [MigrationStep] = []
  /// The error below, when there is one.
  public var cause: (any Error)?

  init(_ code: Code, _ message: String, at location: Location? = nil, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.location = location
    self.cause = cause
  }
}

extension MigrationError: CustomStringConvertible {
  /// The message, headed by the place and followed by the line with a caret.
  public var description: String {
    var lines: [String] = []
    if let location {
      lines.append("\(location.file):\(location.line):\(location.column): \(message)")
      lines.append(location.excerpt)
    } else {
      lines.append(message)
    }
    if let last = completed.last {
      lines.append(
        completed.count == 1
          ? "Before that \(last) was carried out, and stands."
          : "Before that \(completed.count) migrations were carried out, the last of them \(last), and stand.")
    }
    return lines.joined(separator: "\n")
  }
}
