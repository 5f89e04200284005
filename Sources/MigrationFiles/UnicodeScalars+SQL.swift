/// For those who read SQL by scalars, as the server does: to Swift a mark that combines makes another character of what stands before.
extension Substring.UnicodeScalarView {
  package func begins(with text: String) -> Bool { starts(with: text.unicodeScalars) }

  /// Drops the comment that begins here, with those inside it; all of the text, where it does not end.
  package mutating func dropComment() {
    var depth = 0
    while !isEmpty {
      if begins(with: "/*") {
        depth += 1
        removeFirst(2)
      } else if begins(with: "*/") {
        depth -= 1
        removeFirst(2)
        if depth == 0 { return }
      } else {
        removeFirst()
      }
    }
  }
}
