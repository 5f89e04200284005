/// Columns for a terminal.
enum TextTable {
  /// The rows, a line each; every column but the last is as wide as its widest cell.
  ///
  /// - Parameter paint: Colours a cell, given its row, its column and its text with the blanks that align it.
  static func aligned(
    _ rows: [[String]], margin: String = "  ", paint: (_ row: Int, _ column: Int, String) -> String = { $2 }
  ) -> String {
    var widths: [Int] = []
    for row in rows {
      for (column, cell) in row.enumerated() {
        if column == widths.count { widths.append(0) }
        widths[column] = max(widths[column], cell.count)
      }
    }
    return rows.enumerated().map { number, row in
      guard let last = row.lastIndex(where: { !$0.isEmpty }) else { return "" }
      let cells = row[...last].enumerated().map { column, cell in
        let blanks = column == last ? 0 : widths[column] - cell.count
        return paint(number, column, cell + String(repeating: " ", count: blanks))
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
