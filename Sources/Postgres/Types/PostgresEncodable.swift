/// A value that can be sent as a parameter.
public protocol PostgresEncodable: Sendable {
  /// The type it is sent as.
  static var postgresType: PostgresType { get }

  /// Whether the value is NULL; then ``encode(into:)`` is not called.
  var isNull: Bool { get }

  /// Appends the value in PostgreSQL's binary form.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/encoding`` when PostgreSQL cannot hold the value.
  func encode(into buffer: inout ParameterBuffer) throws(PostgresError)
}

extension PostgresEncodable {
  /// Not NULL.
  public var isNull: Bool { false }
}

/// A value that can be read from a column.
public protocol PostgresDecodable: SendableMetatype {
  /// Reads the value.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/decoding``; ``PostgresCell/mismatch(_:)`` makes one.
  init(from cell: PostgresCell) throws(PostgresError)
}

/// A value that can be sent and read.
public typealias PostgresCodable = PostgresDecodable & PostgresEncodable

/// Where parameters are written in binary form.
public struct ParameterBuffer {
  private var bytes: [UInt8] = []
  private var entries: [Entry] = []

  private struct Entry {
    /// Where the value starts; nil for NULL.
    var start: Int?
    var length: Int32
    var isText: Bool
  }

  /// A Bind message counts its parameters in 16 bits.
  private static let maxCount = 65_535
  /// PostgreSQL refuses messages beyond this (`MaxAllocSize` of its memory manager).
  private static let maxSize = 0x3fff_ffff
  private static let keptCapacity = 65_536

  init() {}

  /// Appends bytes as they are.
  public mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

  /// Appends an integer in network byte order.
  public mutating func append<Integer: FixedWidthInteger>(_ integer: Integer) {
    withUnsafeBytes(of: integer.bigEndian) { bytes.append(contentsOf: $0) }
  }

  /// Appends a part preceded by its length in four bytes, or -1 for NULL: an element of an array, say.
  public mutating func appendElement(_ value: some PostgresEncodable) throws(PostgresError) {
    guard !value.isNull else {
      append(Int32(-1))
      return
    }
    let start = bytes.count
    append(Int32(0))
    try value.encode(into: &self)
    let length = Int32(clamping: bytes.count - start - 4).bigEndian
    withUnsafeBytes(of: length) { bytes.replaceSubrange(start..<start + 4, with: $0) }
  }

  mutating func encode(_ binds: [SQL.Bind]) throws(PostgresError) {
    guard binds.count <= Self.maxCount else {
      throw PostgresError(
        .encoding, "\(binds.count) parameters; PostgreSQL takes \(Self.maxCount) at most. Send lists as one array")
    }
    // One large value should not cost its size for the rest of the connection's life.
    bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptCapacity)
    entries.removeAll(keepingCapacity: true)
    for bind in binds { try encode(bind.value) }
    guard bytes.count <= Self.maxSize else {
      throw PostgresError(.encoding, "parameters of \(bytes.count) bytes; PostgreSQL takes a gigabyte at most")
    }
  }

  private mutating func encode(_ value: some PostgresEncodable) throws(PostgresError) {
    let isText = type(of: value).postgresType.isInferred
    guard !value.isNull else {
      entries.append(Entry(start: nil, length: 0, isText: isText))
      return
    }
    let start = bytes.count
    try value.encode(into: &self)
    entries.append(Entry(start: start, length: Int32(clamping: bytes.count - start), isText: isText))
    // libpq measures a text parameter by its terminator.
    if isText { bytes.append(0) }
  }

  typealias Pointers<Result> = (
    Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
  ) -> Result

  /// The arrays that libpq wants: pointers, lengths, formats.
  func withPointers<Result>(_ body: Pointers<Result>) -> Result {
    bytes.withUnsafeBufferPointer { storage in
      withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: entries.count) { values in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * entries.count) { numbers in
          let (lengths, formats) = (numbers.prefix(entries.count), numbers.suffix(entries.count))
          for (index, entry) in entries.enumerated() {
            values.initializeElement(at: index, to: pointer(to: entry, in: storage))
            numbers.initializeElement(at: index, to: entry.length)
            numbers.initializeElement(at: entries.count + index, to: entry.isText ? 0 : 1)
          }
          return body(
            Int32(entries.count), values.baseAddress,
            UnsafeMutableBufferPointer(rebasing: lengths).baseAddress.map { UnsafePointer($0) },
            UnsafeMutableBufferPointer(rebasing: formats).baseAddress.map { UnsafePointer($0) })
        }
      }
    }
  }

  private func pointer(to entry: Entry, in storage: UnsafeBufferPointer<UInt8>) -> UnsafePointer<CChar>? {
    guard let start = entry.start else { return nil }
    // An empty value still needs an address: nil would be NULL. The buffer may have none when all values are empty.
    guard let base = storage.baseAddress else { return emptyValue }
    return UnsafeRawPointer(base + start).assumingMemoryBound(to: CChar.self)
  }

  private var emptyValue: UnsafePointer<CChar>? { UnsafePointer(bitPattern: MemoryLayout<Int>.alignment) }
}
