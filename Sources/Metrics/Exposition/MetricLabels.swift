/// Labels of one series, written for the exposition once and shared by every copy.
///
/// ```swift
/// let labels: MetricLabels = ["pool": "main"]
/// ```
public struct MetricLabels: Sendable {
  private final class Storage: Sendable {
    let pairs: [(name: String, value: String)]
    let rendered: [UInt8]

    init(_ pairs: [(name: String, value: String)]) {
      self.pairs = pairs
      var writer = ByteWriter()
      for (index, pair) in pairs.enumerated() {
        if index > 0 { writer.write(",") }
        writer.write(utf8: pair.name)
        writer.write("=\"")
        writer.write(escapedLabelValue: pair.value)
        writer.write("\"")
      }
      rendered = writer.bytes
    }
  }

  private let storage: Storage
  private static let noLabels = Storage([])

  /// No labels.
  public static let none = MetricLabels([])

  /// Makes labels in the order given.
  public init(_ pairs: [(name: String, value: String)]) {
    storage = pairs.isEmpty ? Self.noLabels : Storage(pairs)
  }

  /// Names and values in order.
  public var pairs: [(name: String, value: String)] { storage.pairs }

  /// The value of a label, if there is one of this name.
  public subscript(name: String) -> String? {
    storage.pairs.first { $0.name == name }?.value
  }

  var isEmpty: Bool { storage.rendered.isEmpty }

  /// `a="x",b="y"`, escaped.
  var rendered: [UInt8] { storage.rendered }

  /// Whether the labels have exactly these names in this order.
  func haveNames(_ names: [String]) -> Bool {
    storage.pairs.count == names.count && zip(storage.pairs, names).allSatisfy { $0.name == $1 }
  }
}

extension MetricLabels: ExpressibleByDictionaryLiteral {
  /// Makes labels in the order of the literal.
  public init(dictionaryLiteral elements: (String, String)...) {
    self.init(elements.map { (name: $0, value: $1) })
  }
}

extension MetricLabels: Hashable {
  /// Whether names and values are the same, in the same order.
  public static func == (left: Self, right: Self) -> Bool {
    left.storage === right.storage || left.rendered == right.rendered
  }

  /// Feeds names and values to the hasher.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(rendered)
  }
}

extension MetricLabels: CustomStringConvertible {
  /// `{a="x",b="y"}`, as the exposition writes it.
  public var description: String {
    "{\(String(decoding: rendered, as: UTF8.self))}"
  }
}
