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
        widths[column] = max(widths[column], width(of: cell))
      }
    }
    return rows.enumerated().map { number, row in
      guard let last = row.lastIndex(where: { !$0.isEmpty }) else { return "" }
      let cells = row[...last].enumerated().map { column, cell in
        let blanks = column == last ? 0 : widths[column] - width(of: cell)
        return paint(number, column, cell + String(repeating: " ", count: blanks))
      }
      return (margin + cells.joined(separator: "  ")).trimmingEnd
    }.joined(separator: "\n")
  }

  /// How many columns of a terminal the text takes.
  static func width(of text: String) -> Int { text.reduce(0) { $0 + width(of: $1) } }

  /// Two for what Unicode calls wide, none for marks and what is not shown. Not `wcwidth`, which knows no more than ASCII
  /// without a locale of UTF-8.
  private static func width(of character: Character) -> Int {
    // Of several that make one picture, the first is shown.
    if let first = character.unicodeScalars.first, first.properties.isEmojiPresentation { return 2 }
    return character.unicodeScalars.reduce(0) { $0 + width(of: $1) }
  }

  private static func width(of scalar: Unicode.Scalar) -> Int {
    if scalar.isASCII { return 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark: return 0
    case .format: return scalar.value == 0xAD ? 1 : 0
    // Vowels and final consonants of Hangul stand in the syllable that the first begins.
    case _ where (0x1160...0x11FF).contains(scalar.value): return 0
    case _: return wide.contains { $0.contains(scalar.value) } ? 2 : 1
    }
  }

  /// What has the width W or F in `EastAsianWidth.txt` of Unicode 15.1, but for emoji, and with the gaps of a script in it.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x3247, 0x3250...0x4DBF, 0x4E00...0xA4C6,
    0xA960...0xA97C, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6B, 0xFF01...0xFF60,
    0xFFE0...0xFFE6, 0x16FE0...0x18D08, 0x1AFF0...0x1B2FB, 0x1F200...0x1F265, 0x20000...0x2FFFD, 0x30000...0x3FFFD,
  ]
}

extension String {
  /// The text without spaces at its end.
  var trimmingEnd: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}
