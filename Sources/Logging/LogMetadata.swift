/// Key-value pairs of a log entry, in the order they were written, each key once.
///
/// ```swift
/// let metadata: LogMetadata = ["query": "GetUser", "rows": 3]
/// ```
public struct LogMetadata: Sendable, ExpressibleByDictionaryLiteral {
  private var pairs: [(key: String, value: LogValue)]

  /// Makes metadata without pairs.
  public init() {
    pairs = []
  }

  /// Makes metadata from a literal. Of a repeated key the last value stays, at the place of the first.
  public init(dictionaryLiteral elements: (String, LogValue)...) {
    pairs = []
    pairs.reserveCapacity(elements.count)
    for (key, value) in elements { self[key] = value }
  }

  /// The value of a key. Setting nil removes the pair; setting a new key adds the pair at the end.
  public subscript(_ key: String) -> LogValue? {
    get { pairs.first { $0.key == key }?.value }
    set {
      // Linear on purpose: entries have a handful of pairs, and hashing them all costs more.
      switch (pairs.firstIndex { $0.key == key }, newValue) {
      case (let index?, let value?): pairs[index].value = value
      case (let index?, nil): pairs.remove(at: index)
      case (nil, let value?): pairs.append((key, value))
      case (nil, nil): break
      }
    }
  }

  /// Takes over all pairs of `other`; its values win.
  public mutating func merge(_ other: LogMetadata) {
    if pairs.isEmpty {
      self = other
      return
    }
    for (key, value) in other.pairs { self[key] = value }
  }
}

extension LogMetadata: RandomAccessCollection {
  /// The position of the first pair.
  public var startIndex: Int { 0 }
  /// The position after the last pair.
  public var endIndex: Int { pairs.count }
  /// The pair at a position.
  public subscript(position: Int) -> (key: String, value: LogValue) { pairs[position] }
}

extension LogMetadata: Hashable {
  /// Whether both hold the same pairs in the same order.
  public static func == (left: Self, right: Self) -> Bool {
    left.pairs.elementsEqual(right.pairs, by: ==)
  }

  /// Feeds each pair to the hasher.
  public func hash(into hasher: inout Hasher) {
    for (key, value) in pairs {
      hasher.combine(key)
      hasher.combine(value)
    }
  }
}
