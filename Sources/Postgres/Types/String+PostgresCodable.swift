internal import Glibc

extension String: PostgresCodable {
  /// `text`; as a parameter the server takes it as whatever type is wanted where it stands.
  public static var postgresType: PostgresType { .text }

  /// UTF-8.
  ///
  /// - Throws: ``PostgresError`` when the string holds a NUL character, which no text of PostgreSQL can.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) {
    var text = self
    let isSendable = text.withUTF8 { bytes in
      let bytes = UnsafeRawBufferPointer(bytes)
      // A string without any bytes may have no address.
      guard let base = bytes.baseAddress else { return true }
      guard memchr(base, 0, bytes.count) == nil else { return false }
      buffer.append(bytes)
      return true
    }
    guard isSendable else {
      throw PostgresError(.encoding, "a text parameter holds a NUL character (U+0000), which PostgreSQL cannot store")
    }
  }

  /// From any type whose binary form is its text: `text`, `varchar`, `char`, `name`, `json`, `xml`, `jsonb`, enums.
  public init(from cell: PostgresCell) throws(PostgresError) {
    guard var bytes = cell.bytes else { throw cell.mismatch(Self.self) }
    switch cell.type {
    case 25, 1043, 1042, 19, 114, 142, 705: break
    // A char that is not set, whose text is empty.
    case 18: if bytes.elementsEqual([0]) { bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst()) }
    // A version byte comes first.
    case PostgresType.jsonb.oid: bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
    // Types of extensions and users: enums and citext are text.
    // What has a NUL in it is the binary form of something else: no text of PostgreSQL has one. So is what begins with the
    // number of a version, as that of ltree.
    case 16384...:
      if !cell.isText, bytes.contains(0) || bytes.first == 1 { throw cell.mismatch(Self.self) }
    default: throw cell.mismatch(Self.self)
    }
    self = String(decoding: bytes, as: UTF8.self)
  }
}

extension RawRepresentable where Self: PostgresEncodable, RawValue: PostgresEncodable {
  /// The raw value's type.
  public static var postgresType: PostgresType { RawValue.postgresType }

  /// As the raw value.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) { try rawValue.encode(into: &buffer) }
}

extension RawRepresentable where Self: PostgresDecodable, RawValue: PostgresDecodable {
  /// From the raw value; a value that is none of the cases is an error.
  public init(from cell: PostgresCell) throws(PostgresError) {
    let rawValue = try RawValue(from: cell)
    guard let value = Self(rawValue: rawValue) else {
      throw PostgresError(.decoding, "a value of \(PostgresType.name(ofOID: cell.type)) is no case of \(Self.self)")
    }
    self = value
  }
}
