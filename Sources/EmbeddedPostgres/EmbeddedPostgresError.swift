/// What kept the embedded server from doing what was asked: what failed, where, and what to do about it.
public struct EmbeddedPostgresError: Error, Sendable {
  /// The kind of failure.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    private enum Base: String {
      case binariesNotFound, versionMismatch, inUse, notACluster, notOwner, unreachable, notWritable, diskFull
      case noServerUser, invalidOption, initializationFailed, startFailed, startTimedOut, statementFailed
      case stopped, cancelled
    }
    private let base: Base

    private init(_ base: Base) { self.base = base }

    /// The case's name.
    public var description: String { base.rawValue }

    /// No PostgreSQL server of a supported version is installed.
    public static let binariesNotFound = Code(.binariesNotFound)
    /// The data was written by a major version of PostgreSQL that is not installed.
    public static let versionMismatch = Code(.versionMismatch)
    /// Another process runs a server on this folder.
    public static let inUse = Code(.inUse)
    /// The folder holds files that are not ours.
    public static let notACluster = Code(.notACluster)
    /// The folder belongs to another user.
    public static let notOwner = Code(.notOwner)
    /// The user that the server runs as cannot reach the folder.
    public static let unreachable = Code(.unreachable)
    /// The folder cannot be created or written to.
    public static let notWritable = Code(.notWritable)
    /// The disk has no room for a new cluster.
    public static let diskFull = Code(.diskFull)
    /// Keel runs as root and there is no other user to run the server as.
    public static let noServerUser = Code(.noServerUser)
    /// An option has a value that cannot work.
    public static let invalidOption = Code(.invalidOption)
    /// `initdb`, or the copy of a template, failed.
    public static let initializationFailed = Code(.initializationFailed)
    /// The server ended while starting.
    public static let startFailed = Code(.startFailed)
    /// The server was not ready within the start time-out.
    public static let startTimedOut = Code(.startTimedOut)
    /// A statement that sets up a database failed.
    public static let statementFailed = Code(.statementFailed)
    /// The server was stopped for good.
    public static let stopped = Code(.stopped)
    /// The task that started the server was cancelled.
    public static let cancelled = Code(.cancelled)
  }

  /// The kind of failure.
  public var code: Code
  /// One sentence: what failed, on which subject, what to do.
  public var message: String
  /// The process in the way, for ``Code/inUse``.
  public var processID: Int32?
  /// The last lines that the failed program wrote.
  public var log: String?

  init(_ code: Code, _ message: String, processID: Int32? = nil, log: String? = nil) {
    self.code = code
    self.message = message
    self.processID = processID
    self.log = log.flatMap { $0.isEmpty ? nil : $0 }
  }
}

extension EmbeddedPostgresError: CustomStringConvertible {
  /// The message, and below it the program's last words, indented.
  public var description: String {
    guard let log else { return message }
    return message + "\n" + log.split(separator: "\n").map { "  | \($0)" }.joined(separator: "\n")
  }
}
