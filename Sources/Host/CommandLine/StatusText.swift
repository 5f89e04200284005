internal import FoundationEssentials
internal import Migrations

/// What `migrate status` prints.
enum StatusText {
  /// A line for each migration, and one for each set that sums up.
  static func table(_ status: MigrationStatus, _ style: TerminalStyle = TerminalStyle(isColored: false)) -> String {
    let lines = status.sets.flatMap { set in set.lines.map { (set.name, $0) } }
    let rows = lines.map { set, line in
      [
        set, "\(line.version)", line.title, state(of: line), line.record?.appliedAt?.formatted(.iso8601) ?? "",
        line.record?.appliedBy ?? "",
      ]
    }
    let header = ["SET", "VERSION", "TITLE", "STATE", "APPLIED AT", "BY"]
    let table = TextTable.aligned([header] + rows, margin: "") { row, column, text in
      if row == 0 { return style(text, .bold) }
      return column == 3 ? style(text, color(of: lines[row - 1].1)) : text
    }
    return table + "\n\n" + summary(status)
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

  private static func color(of line: MigrationStatus.Line) -> TerminalStyle.Color {
    switch line.state {
    case .applied: line.isChanged ? .red : .green
    case .pending: .yellow
    case .outOfOrder, .unknown, .halfDone: .red
    }
  }

  private static func summary(_ status: MigrationStatus) -> String {
    let dirty = status.isDirty ? ", dirty: a migration stopped half way" : ""
    let total = "version \(status.version) of \(status.latestVersion), \(status.pendingCount) pending\(dirty)"
    guard status.sets.count > 1 else { return total }
    let sets = status.sets.map { set in
      ["\(set.name):", set.isOrphan ? "not of this program" : "version \(set.version) of \(set.latestVersion)"]
    }
    return TextTable.aligned(sets, margin: "") + "\n" + total
  }
}
