/// Where the fields of a composite parameter are written.
public struct CompositeWriter {
  private var buffer: ParameterBuffer
  private let type: TypeCatalogue.Entry
  private var index = 0

  init(_ type: PostgresType, _ buffer: inout ParameterBuffer) throws(PostgresError) {
    self.type = try buffer.entry(of: type)
    // Taken, not copied: two owners would make every write copy what is there.
    self.buffer = ParameterBuffer()
    swap(&self.buffer, &buffer)
    self.buffer.append(Int32(clamping: self.type.fields.count))
  }

  /// Appends the next field.
  ///
  /// - Throws: ``PostgresError`` when the type has no further field, or one of another type.
  public mutating func append<Value: PostgresEncodable>(_ value: Value) throws(PostgresError) {
    guard index < type.fields.count else {
      throw PostgresError(.encoding, "\(type.name) has \(type.fields.count) fields; more were written")
    }
    let field = type.fields[index]
    index += 1
    guard try buffer.isFit(Value.postgresType, for: field.type) else {
      throw PostgresError(
        .encoding,
        "field \(field.name) of \(type.name) is \(buffer.name(of: field.type)); \(Value.self) is sent as "
          + Value.postgresType.name)
    }
    buffer.append(field.type)
    try buffer.appendElement(value)
  }

  func checkCount() throws(PostgresError) {
    guard index == type.fields.count else {
      throw PostgresError(.encoding, "\(type.name) has \(type.fields.count) fields; \(index) were written")
    }
  }

  mutating func takeBuffer() -> ParameterBuffer {
    var taken = ParameterBuffer()
    swap(&taken, &buffer)
    return taken
  }
}
