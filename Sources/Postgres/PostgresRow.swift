/// A struct that is read from a row by the names of its columns:
///
/// ```swift
/// struct User: PostgresRow { var id: UUID; var email: String; var display_name: String? }
/// ```
///
/// Coding keys map other names. A protocol of its own, so that `Int` or `String`, which are `Decodable` too, are
/// never mistaken for a row.
public protocol PostgresRow: Decodable, Sendable {}

/// Reads rows into `Decodable` structs: each property from the column of its name.
final class RowDecoder: Decoder {
  private var result: PostgresResult
  private let names: [String]
  private let indexes: [String: Int]
  private var row = 0
  /// Where the next column is likely to be: properties are mostly read in the order of the columns.
  private var guess = 0

  let codingPath: [any CodingKey] = []
  let userInfo: [CodingUserInfoKey: Any] = [:]

  init(_ result: PostgresResult) {
    self.result = result
    names = result.columns
    indexes = Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  }

  func decode<Row: PostgresRow>(_ type: Row.Type, row: Int) throws(PostgresError) -> Row {
    self.row = row
    guess = 0
    do {
      return try Row(from: self)
    } catch let error as PostgresError {
      throw error
    } catch {
      throw PostgresError(.decoding, "a row does not fit \(Row.self): \(error)").of(result.sql, result.name)
    }
  }

  /// A row of another result with the same columns: the next of a stream.
  func decode<Row: PostgresRow>(_ type: Row.Type, of result: PostgresResult) throws(PostgresError) -> Row {
    self.result = result
    return try decode(type, row: 0)
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(Columns<Key>(decoder: self))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    throw PostgresError(.decoding, "a PostgresRow is read by names; for columns in order ask for a tuple")
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer {
    throw PostgresError(.decoding, "a PostgresRow has properties; for a single column ask for its type")
  }

  private func index(_ name: String) -> Int? {
    if guess < names.count, names[guess] == name {
      defer { guess += 1 }
      return guess
    }
    guard let index = indexes[name] else { return nil }
    guess = index + 1
    return index
  }

  private func value<Value: PostgresDecodable>(_ type: Value.Type, _ name: String) throws(PostgresError) -> Value {
    guard let column = index(name) else {
      throw PostgresError(.decoding, "no column \(name); the query returns \(names.joined(separator: ", "))")
        .of(result.sql, result.name)
    }
    return try result[row].decode(column)
  }

  private struct Columns<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: RowDecoder
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { decoder.names.compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { decoder.indexes[key.stringValue] != nil }

    func decodeNil(forKey key: Key) throws -> Bool {
      guard let column = decoder.indexes[key.stringValue] else { return true }
      return decoder.result.handle.bytes(decoder.row, column) == nil
    }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try decoder.value(type, key.stringValue) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try decoder.value(type, key.stringValue) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try decoder.value(type, key.stringValue) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try decoder.value(type, key.stringValue) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try decoder.value(type, key.stringValue) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try decoder.value(type, key.stringValue) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try decoder.value(type, key.stringValue) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try decoder.value(type, key.stringValue) }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
      guard let decodable = type as? any PostgresDecodable.Type else {
        throw PostgresError(
          .decoding,
          "column \(key.stringValue): \(type) cannot be read from a column; conform it to PostgresDecodable, "
            + "or wrap it in PostgresJSON")
      }
      func open<Column: PostgresDecodable>(_ type: Column.Type) throws -> Any {
        try decoder.value(type, key.stringValue)
      }
      // The value was made as `type` two lines above; the compiler cannot see that the two names are one type.
      guard let value = try open(decodable) as? Value else {
        throw PostgresError(.decoding, "column \(key.stringValue): not a \(type)")
      }
      return value
    }

    func nestedContainer<Nested: CodingKey>(
      keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> { throw nestingError(key) }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { throw nestingError(key) }
    func superDecoder() throws -> any Decoder { decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { throw nestingError(key) }

    private func nestingError(_ key: Key) -> PostgresError {
      PostgresError(.decoding, "column \(key.stringValue): rows do not nest; wrap the property in PostgresJSON")
    }
  }
}
