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
  /// The array type of the elements' type; for an array of arrays that of the innermost elements.
  public static var postgresType: PostgresType { Element.postgresType.array }

  /// Lower bounds are 1; an array without elements has no dimension. An array of arrays must be rectangular.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) {
    guard Element.postgresType.isArray else {
      try buffer.appendArrayHeader(
        Element.self, isEmpty ? [] : [count], hasNull: contains { $0.isNull })
      for element in self { try buffer.appendElement(element) }
      return
    }
    var shape = ArrayShape()
    try measure(&shape, 0)
    try buffer.appendArrayHeader(
      Self.leaf, shape.lengths.contains(0) ? [] : shape.lengths, hasNull: shape.hasNull)
    if !shape.lengths.contains(0) { try appendLeaves(to: &buffer) }
  }
}

/// How long an array of arrays is in each direction.
private struct ArrayShape {
  var lengths: [Int] = []
  var hasNull = false
}

/// What knows the innermost elements of its type, be there any or not.
private protocol HasLeaf {
  static var leaf: any PostgresEncodable.Type { get }
}

extension Array: HasLeaf where Element: PostgresEncodable {
  fileprivate static var leaf: any PostgresEncodable.Type { (Element.self as? any HasLeaf.Type)?.leaf ?? Element.self }
}

extension Optional: HasLeaf where Wrapped: PostgresEncodable {
  fileprivate static var leaf: any PostgresEncodable.Type { (Wrapped.self as? any HasLeaf.Type)?.leaf ?? Wrapped.self }
}

/// An array, whatever its elements: what an array of arrays knows of its parts.
private protocol NestableArray {
  func measure(_ shape: inout ArrayShape, _ level: Int) throws(PostgresError)
  func appendLeaves(to buffer: inout ParameterBuffer) throws(PostgresError)
}

extension Array: NestableArray where Element: PostgresEncodable {
  fileprivate func measure(_ shape: inout ArrayShape, _ level: Int) throws(PostgresError) {
    if shape.lengths.count == level { shape.lengths.append(count) }
    guard shape.lengths[level] == count else {
      throw PostgresError(
        .encoding,
        "an array with parts of \(shape.lengths[level]) and \(count) elements; PostgreSQL's arrays are rectangular")
    }
    guard Element.postgresType.isArray else {
      shape.hasNull = shape.hasNull || contains { $0.isNull }
      return
    }
    for element in self { try Self.part(element).measure(&shape, level + 1) }
  }

  fileprivate func appendLeaves(to buffer: inout ParameterBuffer) throws(PostgresError) {
    for element in self {
      if Element.postgresType.isArray {
        try Self.part(element).appendLeaves(to: &buffer)
      } else {
        try buffer.appendElement(element)
      }
    }
  }

  private static func part(_ element: Element) throws(PostgresError) -> any NestableArray {
    guard let part = element as? any NestableArray else {
      throw PostgresError(.encoding, "a part of an array of arrays is NULL or no array; PostgreSQL has no such thing")
    }
    return part
  }
}

extension ParameterBuffer {
  fileprivate mutating func appendArrayHeader(
    _ element: any PostgresEncodable.Type, _ lengths: [Int], hasNull: Bool
  ) throws(PostgresError) {
    append(Int32(lengths.count))
    append(Int32(hasNull ? 1 : 0))
    append(try oid(of: element.postgresType))
    for length in lengths {
      append(Int32(clamping: length))
      append(Int32(1))
    }
  }
}

// MARK: -

extension Array: PostgresDecodable where Element: PostgresDecodable {
  /// From an array of as many dimensions as the Swift type has.
  public init(from cell: PostgresCell) throws(PostgresError) {
    guard let bytes = cell.binary else { throw cell.mismatch(Self.self) }
    guard var reader = ArrayReader(cell, bytes) else { throw cell.mismatch(Self.self) }
    guard !reader.lengths.isEmpty else {
      self = []
      return
    }
    self = try Self.read(&reader, 0)
  }
}

/// The elements of an array in the server's form, one after the other.
private struct ArrayReader {
  let cell: PostgresCell
  let element: UInt32
  var lengths: [Int] = []
  var reader: BinaryReader

  /// nil when the bytes are not those of an array.
  init?(_ cell: PostgresCell, _ bytes: UnsafeRawBufferPointer) {
    self.cell = cell
    reader = BinaryReader(bytes)
    // MAXDIM of PostgreSQL is 6; the flags say whether there are NULLs.
    guard let dimensions = reader.integer(Int32.self), (0...6).contains(dimensions),
      let flags = reader.integer(Int32.self), (0...1).contains(flags), let element = reader.integer(UInt32.self)
    else { return nil }
    self.element = element
    for _ in 0..<dimensions {
      guard let length = reader.integer(Int32.self), length >= 0, reader.integer(Int32.self) != nil else { return nil }
      lengths.append(Int(length))
    }
    if dimensions == 0, !reader.isAtEnd { return nil }
  }

  mutating func next<Value: PostgresDecodable>(_ type: Value.Type) throws(PostgresError) -> Value {
    guard let part = reader.part() else { throw cell.outOfRange([Value].self) }
    return try Value(from: cell.part(part.bytes, ofType: element))
  }
}

/// An array type, whatever its elements.
private protocol ReadableArray {
  static func read(_ reader: inout ArrayReader, _ level: Int) throws(PostgresError) -> Self
}

extension Array: ReadableArray where Element: PostgresDecodable {
  fileprivate static func read(_ reader: inout ArrayReader, _ level: Int) throws(PostgresError) -> Self {
    let count = reader.lengths[level]
    var array: Self = []
    // A length is the server's word; the bytes that came bound what is set aside for it.
    array.reserveCapacity(Swift.min(count, reader.reader.bytes.count))
    guard level + 1 < reader.lengths.count else {
      for _ in 0..<count { array.append(try reader.next(Element.self)) }
      return array
    }
    guard let part = Element.self as? any ReadableArray.Type else {
      throw PostgresError(
        .decoding, "an array of \(reader.lengths.count) dimensions where \(Self.self) has \(level + 1)")
    }
    for _ in 0..<count {
      // Made as `Element` by its own type; the compiler cannot see that the two names are one type.
      guard let element = try part.read(&reader, level + 1) as? Element else { throw reader.cell.mismatch(Self.self) }
      array.append(element)
    }
    return array
  }
}
