/// Header fields in the order they were sent or added. Names compare without regard to case; a name may occur often.
///
/// ```swift
/// var headers: HTTPHeaders = ["Cache-Control": "no-store"]
/// headers.add("Set-Cookie", "a=1")
/// headers.add("Set-Cookie", "b=2")
/// headers["cache-control"]          // "no-store"
/// headers.values(for: "set-cookie") // ["a=1", "b=2"]
/// ```
public struct HTTPHeaders: Sendable, Equatable {
  /// One line of a header.
  public struct Field: Sendable, Equatable {
    /// The name, in the case it was written in.
    public var name: String
    /// The value, without the white space around it.
    public var value: String
  }

  private var fields: [Field]

  /// No fields.
  public init() { fields = [] }

  mutating func reserveCapacity(_ count: Int) { fields.reserveCapacity(count) }

  /// Takes the white space off the ends of the values.
  mutating func trimValues() {
    for index in fields.indices {
      while let last = fields[index].value.unicodeScalars.last, last == " " || last == "\t" {
        fields[index].value.unicodeScalars.removeLast()
      }
    }
  }

  /// The value of the first field of that name. Setting replaces all fields of the name; `nil` removes them.
  public subscript(name: String) -> String? {
    get {
      for field in fields where field.name.equalsIgnoringASCIICase(name) { return field.value }
      return nil
    }
    set {
      guard let newValue else { return remove(name) }
      let place = fields.firstIndex { $0.name.equalsIgnoringASCIICase(name) }
      remove(name)
      fields.insert(Field(name: name, value: newValue), at: place ?? fields.endIndex)
    }
  }

  /// The values of all fields of that name, in order.
  public func values(for name: String) -> [String] {
    fields.lazy.filter { $0.name.equalsIgnoringASCIICase(name) }.map(\.value)
  }

  /// Adds a field after those that are there.
  public mutating func add(_ name: String, _ value: String) {
    fields.append(Field(name: name, value: value))
  }

  /// Adds a field unless there is one of that name.
  public mutating func setDefault(_ name: String, _ value: @autoclosure () -> String) {
    if self[name] == nil { add(name, value()) }
  }

  /// Removes all fields of that name.
  public mutating func remove(_ name: String) {
    fields.removeAll { $0.name.equalsIgnoringASCIICase(name) }
  }

  /// Whether a comma-separated list under `name` holds `token`, in any case and with any parameters:
  /// `headers.contains("gzip", in: "Accept-Encoding")`.
  public func contains(_ token: String, in name: String) -> Bool {
    values(for: name).contains { value in
      value.split(separator: ",").contains { item in
        let bare = item.prefix { $0 != ";" }.drop { $0 == " " || $0 == "\t" }
        return String(bare.prefix { $0 != " " && $0 != "\t" }).equalsIgnoringASCIICase(token)
      }
    }
  }
}

extension HTTPHeaders: RandomAccessCollection {
  /// Zero.
  public var startIndex: Int { fields.startIndex }
  /// The number of fields.
  public var endIndex: Int { fields.endIndex }
  /// The field at a place.
  public subscript(position: Int) -> Field { fields[position] }
}

extension HTTPHeaders: ExpressibleByDictionaryLiteral {
  /// The fields in the order they are written.
  public init(dictionaryLiteral elements: (String, String)...) {
    fields = elements.map { Field(name: $0.0, value: $0.1) }
  }
}

extension String {
  /// Equality of tokens as HTTP means it: only the letters A to Z have a case.
  func equalsIgnoringASCIICase(_ other: String) -> Bool {
    let (left, right) = (utf8, other.utf8)
    // Most pairs differ here, or do not differ at all.
    guard left.count == right.count else { return false }
    return self == other || zip(left, right).allSatisfy { $0.asciiLowercased == $1.asciiLowercased }
  }

  /// Looks at the bytes as they lie in memory: the string's own way of going through them takes many times as long.
  @inline(__always)
  func containsByte(where isWanted: (UInt8) -> Bool) -> Bool {
    utf8.withContiguousStorageIfAvailable { $0.contains(where: isWanted) } ?? utf8.contains(where: isWanted)
  }
}

extension UInt8 {
  fileprivate var asciiLowercased: UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
  }
}
