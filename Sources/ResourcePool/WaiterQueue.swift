/// First in, first out, with removal of any element by its ticket in constant time: tickets count up, so a ticket
/// minus the first one's is an index, and a removed element leaves an empty place behind.
struct WaiterQueue<Element: Sendable>: Sendable {
  private var places: [Element?] = []
  private var head = 0
  private var firstTicket: UInt64 = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  var first: Element? { isEmpty ? nil : places[head] }

  mutating func append(_ element: Element) -> UInt64 {
    places.append(element)
    count += 1
    return firstTicket + UInt64(places.count - 1)
  }

  mutating func popFirst() -> Element? {
    guard !isEmpty else { return nil }
    let element = places[head]
    places[head] = nil
    count -= 1
    skipEmpty()
    return element
  }

  func contains(_ ticket: UInt64) -> Bool {
    guard let index = index(of: ticket) else { return false }
    return places[index] != nil
  }

  mutating func remove(_ ticket: UInt64) -> Element? {
    guard let index = index(of: ticket), let element = places[index] else { return nil }
    places[index] = nil
    count -= 1
    skipEmpty()
    return element
  }

  /// The smallest value of a property among the elements.
  func earliest<Value: Comparable>(_ property: KeyPath<Element, Value>) -> Value? {
    places[head...].lazy.compactMap { $0?[keyPath: property] }.min()
  }

  mutating func removeAll(where isRemoved: (Element) -> Bool) -> [Element] {
    var removed: [Element] = []
    for index in places.indices.dropFirst(head) {
      guard let element = places[index], isRemoved(element) else { continue }
      removed.append(element)
      places[index] = nil
      count -= 1
    }
    skipEmpty()
    return removed
  }

  private func index(of ticket: UInt64) -> Int? {
    guard ticket >= firstTicket, ticket - firstTicket < UInt64(places.count) else { return nil }
    return Int(ticket - firstTicket)
  }

  /// Moves the head to the next element, and gives the places before it back once they are the larger part.
  private mutating func skipEmpty() {
    while head < places.count, places[head] == nil { head += 1 }
    guard head > 32, head * 2 >= places.count else { return }
    places.removeFirst(head)
    firstTicket += UInt64(head)
    head = 0
  }
}
