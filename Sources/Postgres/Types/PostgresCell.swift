/// One value of a row, in the server's binary form.
///
/// It is good only while the initialiser that was given it runs: what it stands for belongs to the result.
public struct PostgresCell {
  /// The bytes; nil for NULL.
  public let bytes: UnsafeRawBufferPointer?
  /// The number of the value's type; for a domain that of the type it is made of.
  public let type: UInt32
  /// Whether the bytes are the value's text after all: in ``StatementCacheMode/simple``, of a type that the driver
  /// cannot translate. ``bytes(for:of:)`` throws then.
  public let isText: Bool
  /// Not retained, like the bytes: doing so for each value costs as much as reading it. The result that has the bytes
  /// keeps the catalogue too.
  private let catalogue: Unmanaged<TypeCatalogue>?

  @inline(__always)
  init(bytes: UnsafeRawBufferPointer?, type: UInt32, types: Unmanaged<TypeCatalogue>? = nil, isText: Bool = false) {
    self.bytes = bytes
    self.isText = isText
    catalogue = types
    if type >= PostgresType.firstUserOID, let types {
      self.type = types._withUnsafeGuaranteedRef { $0.base(of: type) }
    } else {
      self.type = type
    }
  }

  /// A value that is a part of this one: an element, a field, a bound.
  func part(_ bytes: UnsafeRawBufferPointer?, ofType type: UInt32) -> PostgresCell {
    PostgresCell(bytes: bytes, type: type, types: catalogue)
  }

  /// A value of a result, whose column is of this type.
  @inline(__always)
  init(_ values: ResultHandle.Values, _ row: Int, _ column: Int, _ type: UInt32) throws(PostgresError) {
    let form = values.form(of: column)
    self.init(bytes: values.bytes(row, column), type: type, types: values.types, isText: form == .text)
    if form == .unreadable, bytes != nil {
      throw PostgresError(
        .decoding,
        "the text of \(typeName) is not understood; statement cache mode simple needs the session's DateStyle to be ISO, "
          + "IntervalStyle postgres and bytea_output hex, and types to be as they were when the pool connected")
    }
  }

  private var types: TypeCatalogue? { catalogue?.takeUnretainedValue() }

  /// The bytes, unless they are text.
  @inline(__always)
  var binary: UnsafeRawBufferPointer? { isText ? nil : bytes }

  /// The bytes of a value that must not be NULL and must be of one of these types.
  public func bytes<Value>(for value: Value.Type, of types: UInt32...) throws(PostgresError) -> UnsafeRawBufferPointer {
    guard let bytes = binary, types.contains(type) else { throw mismatch(value) }
    return bytes
  }

  /// The same for one type, which is the common case and costs no list.
  @inline(__always)
  func bytes<Value>(for value: Value.Type, ofType wanted: UInt32) throws(PostgresError) -> UnsafeRawBufferPointer {
    guard let bytes = binary, type == wanted else { throw mismatch(value) }
    return bytes
  }

  /// The bytes of a value of a type that the database defines itself.
  func bytes<Value>(for value: Value.Type, named wanted: PostgresType) throws(PostgresError) -> UnsafeRawBufferPointer {
    guard let bytes = binary, type == types?.oid(of: wanted) ?? max(type, PostgresType.firstUserOID) else {
      throw mismatch(value)
    }
    return bytes
  }

  /// The error for a value that does not fit: says what was expected and what was found.
  public func mismatch<Value>(_ expected: Value.Type) -> PostgresError {
    guard bytes != nil else {
      return PostgresError(.decoding, "NULL (\(typeName)) where \(expected) is expected; ask for \(expected)? instead")
    }
    let text = isText ? ", of which statement cache mode simple has the text only," : ""
    return PostgresError(.decoding, "\(typeName)\(text) where \(expected) is expected")
  }

  /// The error for a value of the right type that the Swift type cannot hold.
  public func outOfRange<Value>(_ expected: Value.Type) -> PostgresError {
    PostgresError(.decoding, "a value of \(typeName) does not fit \(expected)")
  }

  /// The type of the bounds of a range of the database's own; nil for every other type.
  var boundType: UInt32? { type >= PostgresType.firstUserOID ? types?.bound(of: type) : nil }

  var typeName: String { types?.name(of: type) ?? PostgresType.name(ofOID: type) }
}

extension UnsafeRawBufferPointer {
  /// The integer in network byte order at an offset, or nil when the bytes end before it does.
  @inline(__always)
  func integer<Integer: FixedWidthInteger>(_ type: Integer.Type = Integer.self, at offset: Int = 0) -> Integer? {
    guard offset >= 0, count >= offset + MemoryLayout<Integer>.size else { return nil }
    return Integer(bigEndian: loadUnaligned(fromByteOffset: offset, as: Integer.self))
  }
}

/// Reads the parts of a value one after the other.
struct BinaryReader {
  let bytes: UnsafeRawBufferPointer
  private(set) var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// The next integer in network byte order; nil when the bytes end.
  mutating func integer<Integer: FixedWidthInteger>(_ type: Integer.Type = Integer.self) -> Integer? {
    guard let value = bytes.integer(type, at: offset) else { return nil }
    offset += MemoryLayout<Integer>.size
    return value
  }

  /// A part preceded by its length in four bytes.
  enum Part {
    case null
    case bytes(UnsafeRawBufferPointer)
  }

  /// The next part; nil when the bytes end before it does.
  mutating func part() -> Part? {
    guard let length = integer(Int32.self) else { return nil }
    guard length >= 0 else { return .null }
    guard bytes.count - offset >= Int(length) else { return nil }
    defer { offset += Int(length) }
    return .bytes(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + Int(length)]))
  }

  var isAtEnd: Bool { offset == bytes.count }
}

extension BinaryReader.Part {
  var bytes: UnsafeRawBufferPointer? {
    switch self {
    case .null: nil
    case .bytes(let bytes): bytes
    }
  }
}
