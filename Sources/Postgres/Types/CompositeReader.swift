/// The fields of a composite value, one after the other.
public struct CompositeReader {
  static let record: UInt32 = 2249

  private let cell: PostgresCell
  private let owner: Any.Type
  private let count: Int
  private var index = 0
  private var reader: BinaryReader

  init<Value>(
    _ bytes: UnsafeRawBufferPointer, _ cell: PostgresCell, of owner: Value.Type
  ) throws(PostgresError) {
    reader = BinaryReader(bytes)
    guard let count = reader.integer(Int32.self) else { throw cell.outOfRange(owner) }
    self.count = Int(count)
    self.cell = cell
    self.owner = owner
  }

  /// The next field.
  ///
  /// - Throws: ``PostgresError`` when there is none, or when it does not fit.
  public mutating func next<Value: PostgresDecodable>(_ type: Value.Type = Value.self) throws(PostgresError) -> Value {
    guard index < count else { throw wrongCount("at least \(index + 1)") }
    index += 1
    guard let fieldType = reader.integer(UInt32.self), let part = reader.part() else {
      throw PostgresError(.decoding, "the bytes of field \(index) of \(owner) are malformed")
    }
    do {
      return try Value(from: cell.part(part.bytes, ofType: fieldType))
    } catch {
      throw PostgresError(error.code, "field \(index) of \(owner): \(error.message)")
    }
  }

  func checkEnd() throws(PostgresError) {
    guard index == count else { throw wrongCount("\(index)") }
  }

  private func wrongCount(_ expected: String) -> PostgresError {
    PostgresError(.decoding, "\(cell.typeName) has \(count) fields where \(owner) reads \(expected)")
  }
}
