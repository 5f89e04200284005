/// Where parameters are written in binary form.
public struct ParameterBuffer {
  private var bytes = ByteBuffer()
  private var entries: [Entry] = []
  /// What the database says of its own types.
  var types: TypeCatalogue?

  private struct Entry {
    /// Where the value starts; nil for NULL.
    var start: Int?
    var length: Int32
    var isText: Bool
  }

  /// A Bind message counts its parameters in 16 bits.
  private static let maxCount = 65_535
  /// PostgreSQL refuses messages beyond this (`MaxAllocSize` of its memory manager).
  static let maxSize = 0x3fff_ffff
  private static let keptCapacity = 65_536

  init() {}

  /// Appends bytes as they are.
  public mutating func append(_ more: some Sequence<UInt8>) {
    if more.withContiguousStorageIfAvailable({ append(UnsafeRawBufferPointer($0)) }) == nil {
      for byte in more { bytes.append(byte) }
    }
  }

  /// Appends bytes as they lie in memory.
  public mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(more) }

  /// Appends an integer in network byte order.
  public mutating func append<Integer: FixedWidthInteger>(_ integer: Integer) { bytes.append(integer) }

  /// Appends a part preceded by its length in four bytes, or -1 for NULL: an element of an array, say.
  public mutating func appendElement(_ value: some PostgresEncodable) throws(PostgresError) {
    guard !value.isNull else {
      append(Int32(-1))
      return
    }
    try appendPart { buffer throws(PostgresError) in try value.encode(into: &buffer) }
  }

  /// Appends what is written, preceded by its length in four bytes.
  mutating func appendPart(_ write: (inout ParameterBuffer) throws(PostgresError) -> Void) throws(PostgresError) {
    let start = bytes.count
    append(Int32(0))
    try write(&self)
    bytes.replace(at: start, with: Int32(clamping: bytes.count - start - 4))
  }

  // MARK: Bytes

  /// How many there are.
  var size: Int { bytes.count }

  /// All of them, and then none.
  mutating func takeBytes() -> [UInt8] { bytes.take() }

  /// Without what came after so many.
  mutating func truncate(to size: Int) { bytes.truncate(to: size) }

  // MARK: Parameters

  mutating func encode(_ binds: [SQL.Bind]) throws(PostgresError) {
    guard binds.count <= Self.maxCount else {
      throw PostgresError(
        .encoding, "\(binds.count) parameters; PostgreSQL takes \(Self.maxCount) at most. Send lists as one array")
    }
    // One large value should not cost its size for the rest of the connection's life.
    bytes.removeAll(keeping: Self.keptCapacity)
    // Those of the statement before are written over: to empty an array and fill it again takes longer.
    entries.removeLast(max(entries.count - binds.count, 0))
    // A span lends its elements, where a loop over the array copies each.
    let span = binds.span
    for index in span.indices {
      let entry = try encode(span[index])
      if index < entries.count { entries[index] = entry } else { entries.append(entry) }
    }
    guard bytes.count <= Self.maxSize else {
      throw PostgresError(.encoding, "parameters of \(bytes.count) bytes; PostgreSQL takes a gigabyte at most")
    }
  }

  private mutating func encode(_ bind: SQL.Bind) throws(PostgresError) -> Entry {
    try encode(bind.value, isText: bind.isText)
  }

  private mutating func encode(_ value: some PostgresEncodable, isText: Bool) throws(PostgresError) -> Entry {
    if value.isNull { return Entry(start: nil, length: 0, isText: isText) }
    let start = bytes.count
    try value.encode(into: &self)
    let length = Int32(clamping: bytes.count - start)
    // libpq measures a text parameter by its terminator.
    if isText { bytes.append(UInt8(0)) }
    return Entry(start: start, length: length, isText: isText)
  }

  /// The parameters as literals, each with its type.
  func literals(_ binds: [SQL.Bind]) throws(PostgresError) -> [String] {
    var literals: [String] = []
    let form = TextForm(types: types)
    for (bind, entry) in zip(binds, entries) {
      var literal = "NULL"
      if let start = entry.start {
        let type = bind.isText ? PostgresType.text.oid : try parameterOID(of: bind)
        literal = SQL.quoted(
          try bytes.withUnsafeBytes { bytes throws(PostgresError) in
            try form.text(of: UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(entry.length)]), type)
          })
      }
      // In parentheses, so that neither a sign before nor a subscript behind takes it for a part of itself.
      let cast = bind.isText ? "" : "::\(bind.type.name)"
      literals.append(" (\(literal)\(cast)) ")
    }
    return literals
  }

  // MARK: Types

  /// The number of a type, looked up where the database has given it.
  func oid(of type: PostgresType) throws(PostgresError) -> UInt32 {
    guard type.isNamed else { return type.oid }
    if let types, types.has(type), let oid = types.oid(of: type) { return oid }
    throw unknown(type)
  }

  func entry(of type: PostgresType) throws(PostgresError) -> TypeCatalogue.Entry {
    guard let entry = types?[type.baseName] else { throw unknown(type) }
    return entry
  }

  private func unknown(_ type: PostgresType) -> PostgresError {
    var error = PostgresError(
      .encoding,
      "the type \(type.name) is not known: the database has none of that name in its search path; give its schema too "
        + "(shop.mood), or create it")
    error.unknownType = type
    return error
  }

  /// What a parameter is declared as.
  func parameterOID(of bind: SQL.Bind) throws(PostgresError) -> UInt32 {
    bind.isOfNamedType ? try oid(of: bind.type) : bind.oid
  }

  /// Whether a value's bytes are what a field of a composite type takes.
  func isFit(_ type: PostgresType, for field: UInt32) throws(PostgresError) -> Bool {
    let base = types?.base(of: field) ?? field
    // Texts of all kinds have the same bytes: text, varchar, char(n), name, json, xml, and enums and citext.
    if type.isInferred { return [25, 1043, 1042, 19, 114, 142].contains(base) || base >= PostgresType.firstUserOID }
    let oid = try oid(of: type)
    return oid == base || oid == field
  }

  func name(of oid: UInt32) -> String { types?.name(of: oid) ?? PostgresType.name(ofOID: oid) }

  typealias Pointers<Result> = (
    Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
  ) -> Result

  /// The arrays that libpq wants: pointers, lengths, formats.
  func withPointers<Result>(_ body: Pointers<Result>) -> Result {
    let count = entries.count
    return bytes.withUnsafeBytes { storage in
      withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) { values in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * count) { numbers in
          let entries = entries.span
          for index in entries.indices {
            values.initializeElement(at: index, to: pointer(to: entries[index], in: storage))
            numbers.initializeElement(at: index, to: entries[index].length)
            numbers.initializeElement(at: count + index, to: entries[index].isText ? 0 : 1)
          }
          let lengths = numbers.baseAddress.map { UnsafePointer($0) }
          return body(Int32(count), values.baseAddress, lengths, lengths.map { $0 + count })
        }
      }
    }
  }

  private func pointer(to entry: Entry, in storage: UnsafeRawBufferPointer) -> UnsafePointer<CChar>? {
    guard let start = entry.start else { return nil }
    // An empty value still needs an address: nil would be NULL. The buffer may have none when all values are empty.
    guard let base = storage.baseAddress else { return emptyValue }
    return (base + start).assumingMemoryBound(to: CChar.self)
  }

  private var emptyValue: UnsafePointer<CChar>? { UnsafePointer(bitPattern: MemoryLayout<Int>.alignment) }
}
