/// What a migrator did.
public struct MigrationReport: Sendable, Hashable {
  /// A step and how long it took.
  public struct Completed: Sendable, Hashable {
    /// The step.
    public var step: MigrationStep
    /// How long its script ran.
    public var duration: Duration
  }

  /// The steps in the order they were carried out; empty when there was nothing to do.
  public var completed: [Completed] = []
  /// The version of the first set before.
  public var from: Int64
  /// The version of the first set now.
  public var to: Int64
}
