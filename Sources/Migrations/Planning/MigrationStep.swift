/// One migration to be run in one direction.
public struct MigrationStep: Sendable, Hashable {
  /// Forward or back.
  public enum Direction: String, Sendable, Hashable, Codable {
    /// The up script.
    case up
    /// The down script.
    case down
  }

  /// Forward or back.
  public var direction: Direction
  /// The set the migration belongs to.
  public var set: String
  /// The number.
  public var version: Int64
  /// The words of the file name.
  public var title: String
  /// The SQL.
  public var script: Migration.Script
  /// Whether the SQL is what the database kept when the migration was applied, because this program has no file for it.
  public var isFromHistory = false

  package init(
    direction: Direction, set: String, version: Int64, title: String, script: Migration.Script,
    isFromHistory: Bool = false
  ) {
    self.direction = direction
    self.set = set
    self.version = version
    self.title = title
    self.script = script
    self.isFromHistory = isFromHistory
  }
}

extension MigrationStep: CustomStringConvertible {
  /// Direction, number and title: `up 7 user_avatars`.
  public var description: String { "\(direction.rawValue) \(version) \(title)" }
}
