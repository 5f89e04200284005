/// A list that nearly always holds none or one: the first element stands in it, and only the others need an array.
struct Few<Element: Sendable>: Sendable, RandomAccessCollection, ExpressibleByArrayLiteral {
  private var first: Element?
  private var rest: [Element] = []

  init() {}

  init(_ elements: some Sequence<Element>) {
    for element in elements { append(element) }
  }

  init(arrayLiteral elements: Element...) {
    self.init(elements)
  }

  /// A list of one; a literal would make an array first.
  init(one element: Element) {
    first = element
  }

  var startIndex: Int { 0 }

  var endIndex: Int { first == nil ? 0 : 1 + rest.count }

  subscript(position: Int) -> Element {
    if position == 0, let first { return first }
    // Traps, as an array does, if there is no such element.
    return rest[position - 1]
  }

  mutating func append(_ element: Element) {
    if first == nil { first = element } else { rest.append(element) }
  }
}
