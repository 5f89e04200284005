internal import FoundationEssentials

/// Turns the text of values into their binary form, and back: by the type's number, whatever it is read as in Swift.
struct TextForm {
  let types: TypeCatalogue?

  func shape(of type: UInt32) -> TypeShape? {
    let base = types?.base(of: type) ?? type
    return TypeShape.known[base] ?? types?.shapes[base]
  }

  /// Whether a type can be turned, with all that it is made of.
  func knows(_ type: UInt32) -> Bool {
    switch shape(of: type) {
    case nil: false
    case .array(let part)?, .range(let part)?, .multirange(let part)?: knows(part)
    case .composite(let fields)?: fields.allSatisfy(knows)
    case .text?, .bool?, .bytea?, .hstore?, .interval?, .jsonb?, .numeric?, .oid?, .timestamptz?, .uuid?, .value?: true
    }
  }

  /// Whether text and binary form of a type are the same bytes.
  func isText(_ type: UInt32) -> Bool { if case .text? = shape(of: type) { true } else { false } }

  private static let malformed = PostgresError(.decoding, "a text that is not of its type")

  // MARK: From text

  /// Appends the binary form of a value.
  ///
  /// - Throws: when the text is not in the server's usual style, or the type is not known.
  func read(_ text: [UInt8], as type: UInt32, into buffer: inout ParameterBuffer) throws(PostgresError) {
    switch shape(of: type) {
    case .text?: buffer.append(text)
    case .jsonb?:
      buffer.append(UInt8(1))
      buffer.append(text)
    case .bool?:
      guard text == [UInt8(ascii: "t")] || text == [UInt8(ascii: "f")] else { throw Self.malformed }
      buffer.append(UInt8(text == [UInt8(ascii: "t")] ? 1 : 0))
    case .bytea?: buffer.append(try Self.bytes(ofHex: text))
    case .numeric?: try NumericDigits.encode(String(decoding: text, as: UTF8.self), into: &buffer)
    case .oid?: buffer.append(try Self.value(UInt32(String(decoding: text, as: UTF8.self))))
    case .uuid?:
      try Self.value(UUID(uuidString: String(decoding: text, as: UTF8.self))).encode(into: &buffer)
    case .interval?:
      try Self.value(PostgresInterval(postgres: String(decoding: text, as: UTF8.self))).encode(into: &buffer)
    case .timestamptz?:
      try Self.value(PostgresTimestamp(utc: String(decoding: text, as: UTF8.self))).encode(into: &buffer)
    case .value(let type)?: try Self.read(type, String(decoding: text, as: UTF8.self), into: &buffer)
    case .hstore?: try readPairs(text, into: &buffer)
    case .array(let element)?: try readArray(text, of: element, into: &buffer)
    case .composite(let fields)?: try readFields(text, of: fields, into: &buffer)
    case .range(let bound)?:
      var scanner = TextScanner(text)
      try readRange(&scanner, of: bound, into: &buffer)
    case .multirange(let range)?: try readRanges(text, of: range, into: &buffer)
    case nil: throw Self.malformed
    }
  }

  private static func value<Value>(_ value: Value?) throws(PostgresError) -> Value {
    guard let value else { throw malformed }
    return value
  }

  private static func read<Value: PostgresCodable & LosslessStringConvertible>(
    _ type: Value.Type, _ text: String, into buffer: inout ParameterBuffer
  ) throws(PostgresError) {
    try value(Value(text)).encode(into: &buffer)
  }

  private static func bytes(ofHex text: [UInt8]) throws(PostgresError) -> [UInt8] {
    guard text.starts(with: #"\x"#.utf8), text.count.isMultiple(of: 2) else { throw malformed }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 2 - 1)
    for index in stride(from: 2, to: text.count, by: 2) {
      bytes.append(try digit(text[index]) << 4 | digit(text[index + 1]))
    }
    return bytes
  }

  private static func digit(_ byte: UInt8) throws(PostgresError) -> UInt8 {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    default: throw malformed
    }
  }

  private func readPart(
    _ text: [UInt8]?, as type: UInt32, into buffer: inout ParameterBuffer
  ) throws(PostgresError) {
    guard let text else { return buffer.append(Int32(-1)) }
    try buffer.appendPart { buffer throws(PostgresError) in try read(text, as: type, into: &buffer) }
  }

  private func readArray(
    _ text: [UInt8], of element: UInt32, into buffer: inout ParameterBuffer
  ) throws(PostgresError) {
    var scanner = TextScanner(text)
    // Lower bounds, which are written when they are not 1, and mean nothing in Swift.
    if scanner.next == UInt8(ascii: "[") { while let byte = scanner.next, byte != UInt8(ascii: "{") { scanner.skip() } }
    var lengths: [Int] = []
    var leaves: [[UInt8]?] = []
    try scanner.takeElements(&leaves, &lengths, 0)
    guard scanner.next == nil else { throw Self.malformed }
    if leaves.isEmpty { lengths = [] }
    buffer.append(Int32(lengths.count))
    buffer.append(Int32(leaves.contains(nil) ? 1 : 0))
    buffer.append(element)
    for length in lengths {
      buffer.append(Int32(clamping: length))
      buffer.append(Int32(1))
    }
    for leaf in leaves { try readPart(leaf, as: element, into: &buffer) }
  }

  private func readFields(
    _ text: [UInt8], of fields: [UInt32], into buffer: inout ParameterBuffer
  ) throws(PostgresError) {
    var scanner = TextScanner(text)
    buffer.append(Int32(fields.count))
    guard scanner.take("(") else { throw Self.malformed }
    for (index, field) in fields.enumerated() {
      guard index == 0 || scanner.take(",") else { throw Self.malformed }
      let (text, isQuoted) = scanner.token(upTo: ",", ")")
      buffer.append(field)
      try readPart(text.isEmpty && !isQuoted ? nil : text, as: field, into: &buffer)
    }
    guard scanner.take(")"), scanner.next == nil else { throw Self.malformed }
  }

  private func readRange(
    _ scanner: inout TextScanner, of bound: UInt32, into buffer: inout ParameterBuffer
  ) throws(PostgresError) {
    if scanner.take("e") { return buffer.append(PostgresRangeFlags.empty) }
    let isLowerInclusive = scanner.take("[")
    guard isLowerInclusive || scanner.take("(") else { throw Self.malformed }
    let lower = scanner.token(upTo: ",", ",")
    guard scanner.take(",") else { throw Self.malformed }
    let upper = scanner.token(upTo: ")", "]")
    let isUpperInclusive = scanner.take("]")
    guard isUpperInclusive || scanner.take(")") else { throw Self.malformed }
    var flags: UInt8 = 0
    if isLowerInclusive { flags |= PostgresRangeFlags.lowerInclusive }
    if isUpperInclusive { flags |= PostgresRangeFlags.upperInclusive }
    // A bound that is an empty text stands in quotes.
    if lower.text.isEmpty, !lower.isQuoted { flags |= PostgresRangeFlags.lowerUnbounded }
    if upper.text.isEmpty, !upper.isQuoted { flags |= PostgresRangeFlags.upperUnbounded }
    buffer.append(flags)
    for edge in [lower, upper] where !edge.text.isEmpty || edge.isQuoted {
      try readPart(edge.text, as: bound, into: &buffer)
    }
  }

  private func readRanges(
    _ text: [UInt8], of range: UInt32, into buffer: inout ParameterBuffer
  ) throws(PostgresError) {
    guard case .range(let bound)? = shape(of: range) else { throw Self.malformed }
    var scanner = TextScanner(text)
    guard scanner.take("{") else { throw Self.malformed }
    var ranges = ParameterBuffer()
    var count: Int32 = 0
    while scanner.next != UInt8(ascii: "}") {
      guard count == 0 || scanner.take(",") else { throw Self.malformed }
      count += 1
      try ranges.appendPart { buffer throws(PostgresError) in try readRange(&scanner, of: bound, into: &buffer) }
    }
    buffer.append(count)
    buffer.append(ranges.takeBytes())
  }

  /// `"a"=>"1", "b"=>NULL`.
  private func readPairs(_ text: [UInt8], into buffer: inout ParameterBuffer) throws(PostgresError) {
    var scanner = TextScanner(text)
    var pairs = ParameterBuffer()
    var count: Int32 = 0
    while scanner.next != nil {
      guard count == 0 || (scanner.take(",") && scanner.take(" ")) else { throw Self.malformed }
      count += 1
      let key = scanner.token(upTo: "=", "=")
      guard scanner.take("="), scanner.take(">") else { throw Self.malformed }
      let value = scanner.token(upTo: ",", ",")
      try readPart(key.text, as: PostgresType.text.oid, into: &pairs)
      try readPart(value.isQuoted ? value.text : nil, as: PostgresType.text.oid, into: &pairs)
    }
    buffer.append(count)
    buffer.append(pairs.takeBytes())
  }

  // MARK: To text

  /// The text of a value in binary form.
  ///
  /// - Throws: when the bytes are not of the type, or the type is not known.
  func text(of bytes: UnsafeRawBufferPointer, _ type: UInt32) throws(PostgresError) -> String {
    let cell = PostgresCell(bytes: bytes, type: type, types: types.map(Unmanaged.passUnretained))
    switch shape(of: type) {
    case .text?: return try Self.text(bytes[...])
    case .jsonb?: return try Self.text(bytes.dropFirst())
    case .bool?: return try Bool(from: cell) ? "t" : "f"
    case .bytea?: return bytes.reduce(into: #"\x"#) { $0 += Self.hex[Int($1)] }
    case .numeric?: return try NumericDigits.text(of: cell)
    case .oid?: return String(try UInt32(from: cell))
    case .uuid?: return try UUID(from: cell).uuidString
    case .interval?: return try PostgresInterval(from: cell).postgresText
    case .timestamptz?: return PostgresTimestamp(microsecondsSince2000: try Self.value(bytes.integer())).utcText
    case .value(let type)?: return try Self.text(of: cell, type)
    case .hstore?: return try Self.text(of: PostgresHStore(from: cell))
    case .array(let element)?:
      var reader = BinaryReader(bytes)
      guard let dimensions = reader.integer(Int32.self), (0...6).contains(dimensions),
        reader.integer(Int32.self) != nil, reader.integer(UInt32.self) != nil
      else { throw cell.outOfRange(Any.self) }
      var lengths: [Int] = []
      for _ in 0..<dimensions {
        lengths.append(Int(try Self.value(reader.integer(Int32.self))))
        guard reader.integer(Int32.self) != nil else { throw Self.malformed }
      }
      return dimensions == 0 ? "{}" : try elements(&reader, lengths[...], element)
    case .composite(let fields)?:
      var reader = BinaryReader(bytes)
      guard reader.integer(Int32.self) == Int32(clamping: fields.count) else { throw Self.malformed }
      var parts: [String] = []
      for field in fields {
        guard reader.integer(UInt32.self) != nil else { throw Self.malformed }
        parts.append(try part(&reader, field) ?? "")
      }
      return "(\(parts.joined(separator: ",")))"
    case .range(let bound)?: return try range(bytes, bound)
    case .multirange(let range)?:
      guard case .range(let bound)? = shape(of: range) else { throw Self.malformed }
      var reader = BinaryReader(bytes)
      var ranges: [String] = []
      let count = try Self.value(reader.integer(Int32.self))
      guard count >= 0 else { throw Self.malformed }
      for _ in 0..<count {
        ranges.append(try self.range(try Self.value(reader.part()?.bytes), bound))
      }
      return "{\(ranges.joined(separator: ","))}"
    case nil:
      throw PostgresError(
        .unsupported,
        "a parameter of \(cell.typeName) cannot be written as text, which statement cache mode simple needs")
    }
  }

  private static let hex: [String] = (0...255).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }

  private static func text(_ bytes: Slice<UnsafeRawBufferPointer>) throws(PostgresError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw PostgresError(.encoding, "a text parameter is not UTF-8")
    }
    return text
  }

  private static func text<Value: PostgresCodable & LosslessStringConvertible>(
    of cell: PostgresCell, _ type: Value.Type
  ) throws(PostgresError) -> String {
    try Value(from: cell).description
  }

  private static func text(of pairs: PostgresHStore) -> String {
    pairs.values.map { key, value in "\(quoted(key))=>\(value.map(quoted) ?? "NULL")" }.joined(separator: ",")
  }

  /// In quotes, which arrays, composites, ranges and `hstore` all read alike.
  private static func quoted(_ text: String) -> String {
    "\"\(text.escaping("\"\\", by: UInt8(ascii: "\\")))\""
  }

  /// The next part of a composed value, quoted; nil for NULL.
  private func part(_ reader: inout BinaryReader, _ type: UInt32) throws(PostgresError) -> String? {
    switch reader.part() {
    case .null?: nil
    case .bytes(let bytes)?: Self.quoted(try text(of: bytes, type))
    case nil: throw Self.malformed
    }
  }

  private func elements(
    _ reader: inout BinaryReader, _ lengths: ArraySlice<Int>, _ type: UInt32
  ) throws(PostgresError) -> String {
    guard let length = lengths.first else { return try part(&reader, type) ?? "NULL" }
    guard length >= 0 else { throw Self.malformed }
    var parts: [String] = []
    for _ in 0..<length { parts.append(try elements(&reader, lengths.dropFirst(), type)) }
    return "{\(parts.joined(separator: ","))}"
  }

  private func range(_ bytes: UnsafeRawBufferPointer, _ bound: UInt32) throws(PostgresError) -> String {
    var reader = BinaryReader(bytes)
    let flags = try Self.value(reader.integer(UInt8.self))
    if flags & PostgresRangeFlags.empty != 0 { return "empty" }
    let lower = flags & PostgresRangeFlags.lowerUnbounded != 0 ? "" : try part(&reader, bound) ?? ""
    let upper = flags & PostgresRangeFlags.upperUnbounded != 0 ? "" : try part(&reader, bound) ?? ""
    return (flags & PostgresRangeFlags.lowerInclusive != 0 ? "[" : "(") + lower + "," + upper
      + (flags & PostgresRangeFlags.upperInclusive != 0 ? "]" : ")")
  }
}

/// Takes the text of a composed value apart.
private struct TextScanner {
  private let bytes: [UInt8]
  private var index = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  mutating func skip() { index += 1 }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    // `empty` is the only word.
    index += character == "e" ? "empty".utf8.count : 1
    return true
  }

  /// What stands before one of two characters, its quotes and escapes undone.
  mutating func token(upTo first: Unicode.Scalar, _ second: Unicode.Scalar) -> (text: [UInt8], isQuoted: Bool) {
    var text: [UInt8] = []
    var isQuoted = false
    var isInQuotes = false
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\\"):
        index += 1
        if let escaped = next { text.append(escaped) }
      case UInt8(ascii: "\""):
        isQuoted = true
        // Composites double a quote instead of escaping it.
        if isInQuotes, index + 1 < bytes.count, bytes[index + 1] == byte {
          text.append(byte)
          index += 1
        } else {
          isInQuotes.toggle()
        }
      case UInt8(ascii: first) where !isInQuotes, UInt8(ascii: second) where !isInQuotes: return (text, isQuoted)
      default: text.append(byte)
      }
      index += 1
    }
    return (text, isQuoted)
  }

  /// The elements of an array, and how many there are at each depth.
  mutating func takeElements(
    _ leaves: inout [[UInt8]?], _ lengths: inout [Int], _ depth: Int
  ) throws(PostgresError) {
    guard depth < 6, take("{") else { throw PostgresError(.decoding, "a text that is not that of an array") }
    if lengths.count == depth { lengths.append(0) }
    guard !take("}") else { return }
    var count = 0
    repeat {
      count += 1
      if next == UInt8(ascii: "{") {
        try takeElements(&leaves, &lengths, depth + 1)
      } else {
        let (text, isQuoted) = token(upTo: ",", "}")
        leaves.append(!isQuoted && text == Array("NULL".utf8) ? nil : text)
      }
    } while take(",")
    guard take("}") else { throw PostgresError(.decoding, "a text that is not that of an array") }
    lengths[depth] = count
  }
}
