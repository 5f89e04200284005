internal import FoundationEssentials
internal import Migrations

/// What `migrate status` prints.
enum StatusText {
  /// A line for each migration, and one that sums up.
  static func table(_ status: MigrationStatus) -> String {
    let rows = status.sets.flatMap { set in
      set.lines.map { line in
        [
          set.name, "\(line.version)", line.title, state(of: line),
          line.record?.appliedAt?.formatted(.iso8601) ?? "", line.record?.appliedBy ?? "",
        ]
      }
    }
    let header = ["SET", "VERSION", "TITLE", "STATE", "APPLIED AT", "BY"]
    return TextTable.aligned([header] + rows, margin: "") + "\n\n" + summary(status)
  }

  private static func state(of line: MigrationStatus.Line) -> String {
    let state =
      switch line.state {
      case .applied: "applied"
      case .pending: "pending"
      case .outOfOrder: "out of order"
      case .unknown: "applied, no file"
      case .halfDone: "stopped half way"
      }
    return line.isChanged ? state + ", file changed" : state
  }

  private static func summary(_ status: MigrationStatus) -> String {
    "version \(status.version) of \(status.latestVersion), \(status.pendingCount) pending"
      + (status.isDirty ? ", dirty: a migration stopped half way" : "")
  }
}
