internal import Container

/// Text in HTML.
enum HTML {
  /// Text that can stand in an element or in an attribute in double quotes.
  static func escape(_ text: String) -> String { escapedForHTML(text) }

  /// A table with a head; cells are HTML. A column of numbers is aligned to the right.
  static func table(_ caption: String, _ head: [String], numbers: Set<Int> = [], _ rows: [[String]]) -> String {
    func cell(_ tag: String, _ index: Int, _ text: String) -> String {
      "<\(tag)\(numbers.contains(index) ? " class=\"n\"" : "")>\(text)</\(tag.prefix { $0 != " " })>"
    }
    let header = head.enumerated().map { cell("th scope=\"col\"", $0, escape($1)) }.joined()
    let body = rows.map { row in "<tr>\(row.enumerated().map { cell("td", $0, $1) }.joined())</tr>" }
    return """
      <div class="scroll" tabindex="0" role="region" aria-label="\(escape(caption))"><table>
      <thead><tr>\(header)</tr></thead>
      <tbody>\(body.joined(separator: "\n"))</tbody>
      </table></div>
      """
  }
}
