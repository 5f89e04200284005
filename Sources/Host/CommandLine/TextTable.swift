/// Columns for a terminal.
enum TextTable {
  /// The rows, a line each; every column but the last is as wide as its widest cell.
  static func aligned(_ rows: [[String]], margin: String = "  ") -> String {
    var widths: [Int] = []
    for row in rows {
      for (column, cell) in row.enumerated() {
        if column == widths.count { widths.append(0) }
        widths[column] = max(widths[column], cell.count)
      }
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        cell + String(repeating: " ", count: widths[column] - cell.count)
      }
      return (margin + cells.joined(separator: "  ")).trimmingEnd
    }.joined(separator: "\n")
  }
}

extension String {
  /// The text without spaces at its end.
  var trimmingEnd: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}
