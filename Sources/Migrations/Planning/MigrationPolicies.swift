/// What to do where the files and the database disagree.
public struct MigrationPolicies: Sendable, Hashable {
  /// Whether something unusual stops the run or is taken as it is.
  public enum Choice: String, Sendable, Hashable, CaseIterable {
    /// It is an error that names the ways out.
    case refuse
    /// It is accepted.
    case run
  }

  /// A lower version appeared after a higher one was applied, as when two branches are merged. `run` applies it late.
  public var outOfOrder: Choice = .refuse
  /// The database has migrations this program does not know: a newer version of it was here. `run` goes on with what is
  /// known, which is right when the schema's changes leave older programs working.
  public var newerDatabase: Choice = .refuse

  /// The policies that refuse.
  public init() {}
}
