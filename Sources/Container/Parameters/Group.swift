/// Every value that was contributed to a group, in the order of the modules.
///
/// Contribute with ``Provide/grouped(order:)`` or ``Supply/grouped(order:)``; ask for it as any other parameter. A group that
/// nobody contributed to is empty, never missing; only one of `Lazy`, `Factory` or optionals that is empty is an error (nil,
/// if asked for as `Group<…>?`), for a group has the values themselves.
public struct Group<Element: Sendable>: Sendable, RandomAccessCollection {
  let elements: [Element]

  /// A group of given values, for calling by hand what the container would call, and for decorating a group.
  public init(_ elements: [Element]) {
    self.elements = elements
  }

  /// The first position.
  public var startIndex: Int { elements.startIndex }

  /// The position after the last.
  public var endIndex: Int { elements.endIndex }

  /// The value at a position.
  public subscript(position: Int) -> Element { elements[position] }
}
