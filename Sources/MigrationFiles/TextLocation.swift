/// A place in a text as people count: lines and columns from 1, a column being one Unicode scalar.
package struct TextLocation: Hashable, Sendable {
  /// The line, from 1.
  package var line: Int
  /// The column, from 1.
  package var column: Int

  /// The place at `line` and `column`.
  package init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }
}

/// A place together with the line it is on, ready to be shown with a caret.
package struct TextExcerpt: Hashable, Sendable {
  /// The place.
  package var location: TextLocation
  /// The whole line without its end.
  package var line: String

  /// Finds the place of the `position`th Unicode scalar (from 1, as PostgreSQL counts) in `text`.
  ///
  /// A position past the end is taken for the end: the server points there at a missing token.
  package init(of text: String, position: Int, firstLine: Int = 1) {
    let scalars = text.unicodeScalars
    var place = scalars.startIndex
    var lineStart = place
    var line = firstLine
    var remaining = max(position, 1) - 1
    while remaining > 0, place != scalars.endIndex {
      let scalar = scalars[place]
      place = scalars.index(after: place)
      remaining -= 1
      if scalar == "\n" {
        line += 1
        lineStart = place
      }
    }
    let lineEnd = scalars[lineStart...].firstIndex { $0 == "\n" || $0 == "\r" } ?? scalars.endIndex
    location = TextLocation(line: line, column: scalars.distance(from: lineStart, to: place) + 1)
    self.line = String(scalars[lineStart..<lineEnd])
  }

  /// The line with a caret under the place. Tabs are kept in the second line so that the caret stands where it should.
  package var marked: String {
    let indent = line.unicodeScalars.prefix(location.column - 1).map { $0 == "\t" ? "\t" : " " }.joined()
    return "\(line)\n\(indent)^"
  }
}
