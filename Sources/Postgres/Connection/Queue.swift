/// First in, first out, without moving what is behind.
struct Queue<Element> {
  private var places: [Element?]
  private var head = 0

  init(_ elements: [Element] = []) { places = elements }

  var isEmpty: Bool { head == places.count }
  var count: Int { places.count - head }
  var first: Element? { isEmpty ? nil : places[head] }
  var last: Element? { isEmpty ? nil : places[places.count - 1] }
  var all: [Element] { places[head...].compactMap { $0 } }

  mutating func append(_ element: Element) { places.append(element) }

  mutating func prepend(_ element: Element) {
    places.replaceSubrange(..<head, with: [element])
    head = 0
  }

  @discardableResult
  mutating func removeFirst() -> Element? {
    guard !isEmpty else { return nil }
    // Most often it is the only one.
    if head == 0, places.count == 1 { return places.removeLast() }
    let element = places[head]
    places[head] = nil
    head += 1
    if head == places.count {
      places.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 64, head * 2 >= places.count {
      places.removeFirst(head)
      head = 0
    }
    return element
  }

  mutating func removeAll(where isRemoved: (Element) -> Bool) -> [Element] {
    let removed = all.filter(isRemoved)
    if !removed.isEmpty {
      places = all.filter { !isRemoved($0) }
      head = 0
    }
    return removed
  }

  func contains(where isWanted: (Element) -> Bool) -> Bool {
    places[head...].contains { $0.map(isWanted) ?? false }
  }

  func allSatisfy(_ condition: (Element) -> Bool) -> Bool {
    places[head...].allSatisfy { $0.map(condition) ?? true }
  }
}

extension Queue: Sendable where Element: Sendable {}
