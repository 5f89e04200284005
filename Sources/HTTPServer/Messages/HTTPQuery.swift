public import FoundationEssentials

/// What follows the `?` of a target, decoded: `a=1&b=x+y`.
///
/// A `+` is a space, as forms write it. Broken escapes stand for themselves: queries are often typed by hand.
public struct HTTPQuery: Sendable, Equatable {
  /// A name and its value; a name without `=` has an empty value.
  public struct Item: Sendable, Equatable {
    /// The name.
    public var name: String
    /// The value.
    public var value: String
  }

  private let items: [Item]

  /// Reads the part of a target after its `?`.
  public init(_ text: some StringProtocol) {
    items = text.utf8.split(separator: UInt8(ascii: "&")).map { pair in
      let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      return Item(
        name: PercentEncoding.decodeLeniently(parts[0]),
        value: parts.count > 1 ? PercentEncoding.decodeLeniently(parts[1]) : "")
    }
  }

  /// The value of the first item of that name.
  public subscript(name: String) -> String? {
    items.first { $0.name == name }?.value
  }

  /// The value of the first item of that name, converted: `try request.query["page", as: Int.self] ?? 1`.
  ///
  /// - Throws: ``HTTPError`` 400 when it is there and is not such a value.
  public subscript<Value: LosslessStringConvertible>(name: String, as type: Value.Type) -> Value? {
    get throws { try self[name].map { try TextConversion.value($0, of: name) } }
  }

  /// The value of the first item of that name, as an enumeration: `try request.query["status", as: Status.self]`.
  ///
  /// - Throws: ``HTTPError`` 400 when it is there and is no raw value of the type; the message lists those of a
  ///   `CaseIterable`.
  @_disfavoredOverload
  public subscript<Value: RawRepresentable>(name: String, as type: Value.Type) -> Value?
  where Value.RawValue: LosslessStringConvertible {
    // Disfavoured because a type may be both: how it reads texts is its own affair then.
    get throws { try self[name].map { try TextConversion.value($0, of: name) } }
  }

  /// The value of the first item of that name, as a UUID.
  ///
  /// - Throws: ``HTTPError`` 400 when it is there and is none.
  public subscript(name: String, as type: UUID.Type) -> UUID? {
    get throws { try self[name].map { try TextConversion.uuid($0, of: name) } }
  }

  /// The values of all items of that name, in order.
  public func values(for name: String) -> [String] {
    items.lazy.filter { $0.name == name }.map(\.value)
  }
}

extension HTTPQuery: RandomAccessCollection {
  /// Zero.
  public var startIndex: Int { items.startIndex }
  /// The number of items.
  public var endIndex: Int { items.endIndex }
  /// The item at a place.
  public subscript(position: Int) -> Item { items[position] }
}
