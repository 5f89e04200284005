/// One value of a row, as the server sent it: in binary.
///
/// Its bytes are good only while the initialiser that was given it runs.
public struct PostgresCell {
  /// The bytes; nil for NULL.
  public let bytes: UnsafeRawBufferPointer?
  /// The number of the column's type.
  public let type: UInt32

  init(bytes: UnsafeRawBufferPointer?, type: UInt32) {
    self.bytes = bytes
    self.type = type
  }

  /// The bytes of a value that must not be NULL and must be of one of these types.
  public func bytes<Value>(for value: Value.Type, of types: UInt32...) throws(PostgresError) -> UnsafeRawBufferPointer {
    guard let bytes, types.contains(type) else { throw mismatch(value) }
    return bytes
  }

  /// The error for a value that does not fit: says what was expected and what was found.
  public func mismatch<Value>(_ expected: Value.Type) -> PostgresError {
    let found = PostgresType.name(ofOID: type)
    guard bytes != nil else {
      return PostgresError(.decoding, "NULL (\(found)) where \(expected) is expected; ask for \(expected)? instead")
    }
    return PostgresError(.decoding, "\(found) where \(expected) is expected")
  }

  /// The error for a value of the right type that the Swift type cannot hold.
  public func outOfRange<Value>(_ expected: Value.Type) -> PostgresError {
    PostgresError(.decoding, "a value of \(PostgresType.name(ofOID: type)) does not fit \(expected)")
  }
}

extension UnsafeRawBufferPointer {
  /// The integer in network byte order at an offset, or nil when the bytes end before it does.
  func integer<Integer: FixedWidthInteger>(_ type: Integer.Type = Integer.self, at offset: Int = 0) -> Integer? {
    guard offset >= 0, count >= offset + MemoryLayout<Integer>.size else { return nil }
    return Integer(bigEndian: loadUnaligned(fromByteOffset: offset, as: Integer.self))
  }
}
