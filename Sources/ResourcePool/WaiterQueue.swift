/// First in, first out, with removal of any element by its ticket. Tickets only count up, so that the places are sorted
/// by them and a ticket is never good for a later element. A removed element leaves an empty place behind; empty places
/// are given back once they are the larger part.
struct WaiterQueue<Element: Sendable>: Sendable {
  private var places: [(ticket: UInt64, element: Element?)] = []
  /// The first place taken; equal to the number of places when none is.
  private var head = 0
  private var nextTicket: UInt64 = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  /// How many places there are, the empty ones included.
  var room: Int { places.count }

  var first: Element? { isEmpty ? nil : places[head].element }

  /// First in, first.
  var elements: [Element] { places[head...].compactMap(\.element) }

  mutating func append(_ element: Element) -> UInt64 {
    defer { nextTicket += 1 }
    places.append((nextTicket, element))
    count += 1
    return nextTicket
  }

  mutating func popFirst() -> Element? {
    guard !isEmpty else { return nil }
    return take(head)
  }

  mutating func remove(_ ticket: UInt64) -> Element? {
    guard let index = index(of: ticket) else { return nil }
    return take(index)
  }

  /// The smallest value of a property among the elements.
  func earliest<Value: Comparable>(_ property: KeyPath<Element, Value>) -> Value? {
    places[head...].lazy.compactMap { $0.element?[keyPath: property] }.min()
  }

  mutating func removeAll(where isRemoved: (Element) -> Bool) -> [Element] {
    var removed: [Element] = []
    for index in places.indices.dropFirst(head) {
      guard let element = places[index].element, isRemoved(element) else { continue }
      removed.append(element)
      places[index].element = nil
    }
    count -= removed.count
    tidy()
    return removed
  }

  private mutating func take(_ index: Int) -> Element? {
    guard let element = places[index].element else { return nil }
    places[index].element = nil
    count -= 1
    tidy()
    return element
  }

  /// By binary search: the place may have moved, its order has not.
  private func index(of ticket: UInt64) -> Int? {
    var low = head
    var high = places.count
    while low < high {
      let middle = low + (high - low) / 2
      if places[middle].ticket < ticket { low = middle + 1 } else { high = middle }
    }
    return low < places.count && places[low].ticket == ticket ? low : nil
  }

  private mutating func tidy() {
    while head < places.count, places[head].element == nil { head += 1 }
    guard places.count > 64, count * 2 < places.count else { return }
    places.removeAll { $0.element == nil }
    head = 0
  }
}
