/// One step of a database's schema: what brings it forward, and what brings it back.
public struct Migration: Sendable, Hashable {
  /// SQL for one direction, and where it came from.
  public struct Script: Sendable, Hashable {
    /// The name of its file, for errors.
    public var file: String
    /// The SQL, without the byte-order mark that its file may begin with.
    public var text: String
    /// The line of the file that the text begins on.
    public var firstLine: Int
    /// Whether it runs in a transaction, which only `-- keel: no-transaction` in the first line turns off.
    public var inTransaction: Bool

    /// Describes SQL from `file`.
    public init(file: String, text: String, firstLine: Int = 1, inTransaction: Bool = true) {
      self.file = file
      // Some editors begin a file with a mark that is none of the SQL: not to be run, shown, counted in columns or kept.
      self.text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
      self.firstLine = firstLine
      self.inTransaction = inTransaction
    }
  }

  /// The number that orders migrations, from 1.
  public var version: Int64
  /// The words of the file name.
  public var title: String
  /// What brings the database forward.
  public var up: Script
  /// What brings it back; nil when there is no way back.
  public var down: Script?

  /// Describes a migration.
  public init(version: Int64, title: String, up: Script, down: Script?) {
    self.version = version
    self.title = title
    self.up = up
    self.down = down
  }
}
