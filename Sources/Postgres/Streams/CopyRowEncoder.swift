/// Writes rows in COPY's binary format, each value in the form of its column's type.
@usableFromInline
struct CopyRowEncoder {
  /// A column as the server describes it.
  struct Column {
    let name: String
    let type: UInt32
  }

  /// How a Swift type's bytes become those of a column.
  private enum Conversion {
    case none
    /// Between integers of different widths.
    case integer(UInt32)
    case toFloat4
    case toFloat8
  }

  let columns: [Column]
  private var buffer = ParameterBuffer()
  /// What the last row's values were, and how they were converted: mostly the next row's are the same.
  private var known: [(type: ObjectIdentifier, conversion: Conversion)?]
  private(set) var rowCount = 0

  init(_ columns: [Column], _ types: TypeCatalogue?) {
    self.columns = columns
    known = Array(repeating: nil, count: columns.count)
    buffer.types = types
    // The signature, no flags, no header extension: the manual's page of COPY, "Binary Format".
    buffer.append([0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00])
    buffer.append(Int32(0))
    buffer.append(Int32(0))
  }

  /// There is enough for a piece.
  @usableFromInline
  var isFull: Bool { buffer.size >= PostgresCopyWriter.pieceSize }

  mutating func takeBytes() -> [UInt8] { buffer.takeBytes() }

  mutating func finish() { buffer.append(Int16(-1)) }

  @usableFromInline
  mutating func append<each Value: PostgresEncodable>(_ values: repeat each Value) throws(PostgresError) {
    let start = buffer.size
    rowCount += 1
    buffer.append(Int16(truncatingIfNeeded: columns.count))
    var index = 0
    do throws(PostgresError) {
      repeat try append(each values, &index)
      guard index == columns.count else { throw wrongCount(index) }
    } catch {
      buffer.truncate(to: start)
      throw error
    }
  }

  private mutating func append<Value: PostgresEncodable>(_ value: Value, _ index: inout Int) throws(PostgresError) {
    guard index < columns.count else { throw wrongCount(index + 1) }
    defer { index += 1 }
    let conversion: Conversion
    if let known = known[index], known.type == ObjectIdentifier(Value.self) {
      conversion = known.conversion
    } else {
      conversion = try self.conversion(of: Value.self, columns[index])
      known[index] = (ObjectIdentifier(Value.self), conversion)
    }
    if case .none = conversion { return try buffer.appendElement(value) }
    guard !value.isNull else { return buffer.append(Int32(-1)) }
    try convert(value, conversion, columns[index])
  }

  private func conversion<Value: PostgresEncodable>(
    of: Value.Type, _ column: Column
  ) throws(PostgresError) -> Conversion {
    let type = Value.postgresType
    if try buffer.isFit(type, for: column.type) { return .none }
    let integers: [UInt32] = [PostgresType.int2.oid, PostgresType.int4.oid, PostgresType.int8.oid]
    if integers.contains(type.oid), integers.contains(column.type) { return .integer(column.type) }
    if type.oid == PostgresType.float8.oid, column.type == PostgresType.float4.oid { return .toFloat4 }
    if type.oid == PostgresType.float4.oid, column.type == PostgresType.float8.oid { return .toFloat8 }
    throw PostgresError(
      .encoding,
      "column \(column.name) is \(buffer.name(of: column.type)), and COPY converts nothing; \(Value.self) is sent as "
        + "\(type.name)")
  }

  private mutating func convert<Value: PostgresEncodable>(
    _ value: Value, _ conversion: Conversion, _ column: Column
  ) throws(PostgresError) {
    var scratch = ParameterBuffer()
    try value.encode(into: &scratch)
    let bytes = scratch.takeBytes()
    switch conversion {
    case .none: return
    case .integer(let target):
      // Sign-extended by the first byte.
      let integer = bytes.reduce(Int64(bytes.first.map { Int8(bitPattern: $0) < 0 ? -1 : 0 } ?? 0)) {
        $0 << 8 | Int64($1)
      }
      switch target {
      case PostgresType.int2.oid: try append(Int16(exactly: integer), column)
      case PostgresType.int4.oid: try append(Int32(exactly: integer), column)
      default: try append(Int64(exactly: integer), column)
      }
    case .toFloat4:
      let bits = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      let (wide, narrow) = (Double(bitPattern: bits), Float(Double(bitPattern: bits)))
      // As the server has it: neither infinity nor nothing is what was meant.
      let isFit = (narrow.isInfinite == wide.isInfinite) && ((narrow == 0) == (wide == 0))
      try append(isFit ? narrow.bitPattern : nil, column)
    case .toFloat8:
      let bits = bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      try append(Double(Float(bitPattern: bits)).bitPattern, column)
    }
  }

  private mutating func append<Integer: FixedWidthInteger>(_ integer: Integer?, _ column: Column) throws(PostgresError)
  {
    guard let integer else {
      throw PostgresError(
        .encoding, "row \(rowCount), column \(column.name): the value does not fit \(buffer.name(of: column.type))")
    }
    buffer.append(Int32(MemoryLayout<Integer>.size))
    buffer.append(integer)
  }

  private func wrongCount(_ count: Int) -> PostgresError {
    PostgresError(
      .encoding,
      "row \(rowCount) has \(count < columns.count ? "only \(count)" : "more than \(columns.count)") values; the columns "
        + "are \(columns.map(\.name).joined(separator: ", "))")
  }
}
