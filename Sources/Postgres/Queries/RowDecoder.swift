internal import FoundationEssentials

/// Reads rows into `Decodable` structs: each property from the column of its name.
final class RowDecoder: Decoder {
  private let cursor: RowCursor
  /// The container of the rows before, which does for all: making one costs more than reading a row with it.
  private var container: AnyContainer?
  let codingPath: [any CodingKey] = []
  let userInfo: [CodingUserInfoKey: Any] = [:]

  convenience init(_ result: PostgresResult) { self.init(RowCursor(result)) }

  fileprivate init(_ cursor: RowCursor) { self.cursor = cursor }

  func decode<Row: PostgresRow>(_ type: Row.Type, row: Int) throws(PostgresError) -> Row {
    cursor.move(to: row)
    do {
      return try Row(from: self)
    } catch let error as PostgresError {
      throw error.sql == nil ? cursor.named(error) : error
    } catch {
      throw cursor.named(PostgresError(.decoding, "a row does not fit \(Row.self): \(error)"))
    }
  }

  /// A row of this or of another result with the same columns.
  func decode<Row: PostgresRow>(
    _ type: Row.Type, of result: PostgresResult, row: Int
  ) throws(PostgresError) -> Row {
    if cursor.handle !== result.handle { cursor.handle = result.handle }
    return try decode(type, row: row)
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    if let container, container.key == ObjectIdentifier(type) {
      return unsafeDowncast(container, to: Container<KeyedDecodingContainer<Key>>.self).copy()
    }
    return firstContainer(type)
  }

  @inline(never)
  private func firstContainer<Key: CodingKey>(_ type: Key.Type) -> KeyedDecodingContainer<Key> {
    let made = KeyedDecodingContainer(Columns<Key>(cursor: cursor))
    container = Container(made, ObjectIdentifier(type))
    return made
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    throw PostgresError(.decoding, "a PostgresRow is read by names; for columns in order ask for a tuple")
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer {
    throw PostgresError(.decoding, "a PostgresRow has properties; for a single column ask for its type")
  }

  private class AnyContainer {
    let key: ObjectIdentifier

    init(_ key: ObjectIdentifier) { self.key = key }
  }

  /// The only subclass, so that its key says which one an object is.
  ///
  /// Generic in the container and copied by a function of its own: an object knows the type of what it holds, while
  /// whoever knows the key only has to ask the runtime for it, which takes longer than reading a number.
  private final class Container<Value>: AnyContainer {
    private let value: Value

    init(_ value: Value, _ key: ObjectIdentifier) {
      self.value = value
      super.init(key)
    }

    @inline(never)
    func copy() -> Value { value }
  }
}

/// The columns of one row after the other.
private final class RowCursor {
  var handle: ResultHandle { didSet { values = handle.values } }
  /// Of `handle`, which is held beside it.
  private var values: ResultHandle.Values
  private let sql: String
  private let caller: QueryCaller
  let names: [String]
  /// The same, empty where several columns share one.
  private let ownNames: [String]
  /// By which name each column was last asked for: the next row does the same.
  private var asked: [String]
  private let columnTypes: [UInt32]
  /// Where the columns are, by their names and by the names of properties that were asked for; nil for those of none,
  /// and of several.
  private var indexes: [String: Int?]
  /// The columns by what ``loose`` makes of their names, when a property of no column's exact name has been asked for.
  private var looseIndexes: [String: Int?]?
  /// Whether columns have the same name, or names that differ in capitals and underscores alone; the latter known once
  /// it matters.
  private var hasSharedNames: Bool
  /// Of names of no column's own, whether several columns could be meant.
  private var ambiguous: [String: Bool] = [:]
  private var row = 0
  /// Where the next column is likely to be: properties are mostly read in the order of the columns.
  private var guess = 0
  /// Which types can be read: asking the runtime costs more than reading the value.
  private var decodables: [ObjectIdentifier: any PostgresDecodable.Type] = [:]

  init(_ result: PostgresResult) {
    handle = result.handle
    values = handle.values
    sql = result.sql
    caller = result.caller
    names = result.columns
    columnTypes = (0..<handle.columnCount).map(handle.columnType)
    let indexes = Dictionary(names.enumerated().map { ($1, Int?.some($0)) }, uniquingKeysWith: { _, _ in nil })
    ownNames = names.map { indexes[$0] == .some(nil) ? "" : $0 }
    hasSharedNames = ownNames.contains("")
    asked = ownNames
    self.indexes = indexes
  }

  func move(to row: Int) {
    self.row = row
    guess = 0
  }

  /// The error, told which query it is about.
  func named(_ error: PostgresError) -> PostgresError { error.of(sql, caller) }

  @inline(__always)
  func index(_ name: String) -> Int? {
    if guess < ownNames.count, ownNames[guess] == name {
      defer { guess += 1 }
      return guess
    }
    return otherIndex(name)
  }

  @inline(never)
  private func otherIndex(_ name: String) -> Int? {
    if guess < asked.count, asked[guess] == name {
      defer { guess += 1 }
      return guess
    }
    guard let index = place(of: name) else { return nil }
    asked[index] = name
    guess = index + 1
    return index
  }

  /// Where a column is, whatever was read before: the one of that name, else the only one whose name differs in nothing but
  /// capitals and underscores.
  func place(of name: String) -> Int? {
    if let known = indexes[name] { return known }
    let index = similar(name)
    indexes[name] = .some(index)
    return index
  }

  private func similar(_ name: String) -> Int? {
    let loose =
      looseIndexes
      ?? Dictionary(names.enumerated().map { (Self.loose($1), $0) }, uniquingKeysWith: { _, _ in nil })
    if looseIndexes == nil {
      looseIndexes = loose
      hasSharedNames = hasSharedNames || loose.values.contains(nil)
    }
    return loose[Self.loose(name)] ?? nil
  }

  /// `created_at` as `createdat`, which `createdAt` becomes too.
  private static func loose(_ name: String) -> String { name.lowercased().filter { $0 != "_" } }

  func bytes(_ column: Int) -> UnsafeRawBufferPointer? { values.bytes(row, column) }

  @inline(__always)
  func value<Value: PostgresDecodable>(_ type: Value.Type, _ key: some CodingKey) throws(PostgresError) -> Value {
    guard let column = index(key.stringValue) else { throw missing(key.stringValue) }
    return try value(type, column)
  }

  /// nil for NULL, and for a column that is not there.
  @inline(__always)
  func valueIfPresent<Value: PostgresDecodable>(
    _ type: Value.Type, _ key: some CodingKey
  ) throws(PostgresError) -> Value? {
    guard let column = try indexIfPresent(key.stringValue), bytes(column) != nil else { return nil }
    return try value(type, column)
  }

  @inline(__always)
  func value<Value: PostgresDecodable>(_ type: Value.Type, _ column: Int) throws(PostgresError) -> Value {
    do {
      return try Value(from: PostgresCell(values, row, column, columnTypes[column]))
    } catch {
      throw error.inColumn(names[column]).of(sql, caller)
    }
  }

  /// nil for a column that is not there.
  @inline(__always)
  func indexIfPresent(_ name: String) throws(PostgresError) -> Int? {
    if let column = index(name) { return column }
    if hasSharedNames, isAmbiguous(name) { throw missing(name) }
    return nil
  }

  /// Whether several columns could be meant. Asked of names of no column's own.
  @inline(never)
  func isAmbiguous(_ name: String) -> Bool {
    guard hasSharedNames else { return false }
    if let known = ambiguous[name] { return known }
    let isAmbiguous = candidates(name).count > 1
    ambiguous[name] = isAmbiguous
    return isAmbiguous
  }

  private func candidates(_ name: String) -> [String] {
    let exact = names.filter { $0 == name }
    return exact.isEmpty ? names.filter { Self.loose($0) == Self.loose(name) } : exact
  }

  func missing(_ column: String) -> PostgresError {
    let candidates = candidates(column)
    let message =
      if candidates.count < 2 {
        "no column \(column); the query returns \(names.joined(separator: ", "))"
      } else if candidates.contains(column) {
        "\(candidates.count) columns are named \(column); name them apart, as in SELECT a.\(column) AS a_\(column)"
      } else {
        "\(column) may be any of the columns \(candidates.joined(separator: ", ")), whose names differ in capitals and "
          + "underscores alone; name the one that is meant \(column), with AS"
      }
    return PostgresError(.decoding, message).of(sql, caller)
  }

  func any<Value: Decodable>(_ type: Value.Type, _ column: Int) throws -> Value {
    // The types that rows are full of. Each is `Value` itself: the bits need no change.
    if type == Date.self { return unsafeBitCast(try value(Date.self, column), to: Value.self) }
    if type == UUID.self { return unsafeBitCast(try value(UUID.self, column), to: Value.self) }
    func open<Column: PostgresDecodable>(_ type: Column.Type) throws -> Value {
      // `Column` is `Value`, seen through its conformance.
      unsafeBitCast(try value(type, column), to: Value.self)
    }
    if let decodable = decodables[ObjectIdentifier(type)] { return try open(decodable) }
    guard let decodable = type as? any PostgresDecodable.Type else {
      throw PostgresError(
        .decoding,
        "column \(names[column]): \(type) cannot be read from a column; conform it to PostgresDecodable, "
          + "or wrap it in PostgresJSON"
      ).of(sql, caller)
    }
    decodables[ObjectIdentifier(type)] = decodable
    return try open(decodable)
  }
}

/// The columns of the row where the cursor stands, by their names.
private struct Columns<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let cursor: RowCursor
  var codingPath: [any CodingKey] { [] }
  var allKeys: [Key] { cursor.names.compactMap { Key(stringValue: $0) } }

  func contains(_ key: Key) -> Bool {
    cursor.place(of: key.stringValue) != nil || cursor.isAmbiguous(key.stringValue)
  }

  func decodeNil(forKey key: Key) throws -> Bool {
    guard let column = cursor.place(of: key.stringValue) else {
      if cursor.isAmbiguous(key.stringValue) { throw cursor.missing(key.stringValue) }
      return true
    }
    return cursor.bytes(column) == nil
  }

  func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try cursor.value(type, key) }
  func decode(_ type: String.Type, forKey key: Key) throws -> String { try cursor.value(type, key) }
  func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try cursor.value(type, key) }
  func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try cursor.value(type, key) }
  func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try cursor.value(type, key) }
  func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try cursor.value(type, key) }
  func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try cursor.value(type, key) }
  func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try cursor.value(type, key) }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    guard let column = cursor.index(key.stringValue) else { throw cursor.missing(key.stringValue) }
    return try cursor.any(type, column)
  }

  func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { try cursor.valueIfPresent(type, key) }
  func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
    try cursor.valueIfPresent(type, key)
  }
  func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? {
    try cursor.valueIfPresent(type, key)
  }
  func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { try cursor.valueIfPresent(type, key) }
  func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? {
    try cursor.valueIfPresent(type, key)
  }

  func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
    guard let column = try cursor.indexIfPresent(key.stringValue), cursor.bytes(column) != nil else {
      return nil
    }
    return try cursor.any(type, column)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> { throw nestingError(key) }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { throw nestingError(key) }
  func superDecoder() throws -> any Decoder { RowDecoder(cursor) }
  func superDecoder(forKey key: Key) throws -> any Decoder { throw nestingError(key) }

  private func nestingError(_ key: Key) -> PostgresError {
    PostgresError(.decoding, "column \(key.stringValue): rows do not nest; wrap the property in PostgresJSON")
  }
}
