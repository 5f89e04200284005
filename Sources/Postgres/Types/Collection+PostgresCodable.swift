extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
  /// The wrapped type's.
  public static var postgresType: PostgresType { Wrapped.postgresType }

  /// Whether there is no value, or the value is itself NULL.
  public var isNull: Bool { self?.isNull ?? true }

  /// The value.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) { try self?.encode(into: &buffer) }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
  /// nil for NULL.
  public init(from cell: PostgresCell) throws(PostgresError) {
    self = cell.bytes == nil ? nil : try Wrapped(from: cell)
  }
}

extension Array: PostgresEncodable where Element: PostgresEncodable {
  /// The array type of the elements' type.
  public static var postgresType: PostgresType {
    let element = Element.postgresType
    return PostgresType(name: "\(element.name)[]", oid: element.arrayOID, arrayOID: element.arrayOID)
  }

  /// One dimension with lower bound 1; an empty array has none.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) {
    buffer.append(Int32(isEmpty ? 0 : 1))
    buffer.append(Int32(contains { $0.isNull } ? 1 : 0))
    buffer.append(Element.postgresType.oid)
    guard !isEmpty else { return }
    buffer.append(Int32(clamping: count))
    buffer.append(Int32(1))
    for element in self { try buffer.appendElement(element) }
  }
}

extension Array: PostgresDecodable where Element: PostgresDecodable {
  /// From an array of one dimension.
  public init(from cell: PostgresCell) throws(PostgresError) {
    guard let bytes = cell.bytes, let dimensions = bytes.integer(Int32.self),
      let elementType = bytes.integer(UInt32.self, at: 8)
    else { throw cell.mismatch(Self.self) }
    self = []
    guard dimensions > 0 else { return }
    guard dimensions == 1, let count = bytes.integer(Int32.self, at: 12), count >= 0 else {
      throw PostgresError(.decoding, "an array of \(dimensions) dimensions where \(Self.self) has one")
    }
    reserveCapacity(Swift.min(Int(count), bytes.count))
    var offset = 20
    for _ in 0..<count {
      guard let length = bytes.integer(Int32.self, at: offset) else { throw cell.outOfRange(Self.self) }
      offset += 4
      guard length >= 0 else {
        append(try Element(from: PostgresCell(bytes: nil, type: elementType)))
        continue
      }
      guard bytes.count >= offset + Int(length) else { throw cell.outOfRange(Self.self) }
      let element = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + Int(length)])
      append(try Element(from: PostgresCell(bytes: element, type: elementType)))
      offset += Int(length)
    }
  }
}
