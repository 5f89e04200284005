import FoundationEssentials
import Testing

@testable import Postgres

@Suite struct ParameterBufferTests {
  private struct Parameter: Equatable {
    var bytes: [UInt8]?
    var isText = false
  }

  /// What libpq would be given.
  private func parameters(_ sql: SQL, types: TypeCatalogue? = nil) throws(PostgresError) -> [Parameter] {
    var buffer = ParameterBuffer()
    buffer.types = types
    try buffer.encode(sql.binds)
    return read(buffer)
  }

  private func read(_ buffer: ParameterBuffer) -> [Parameter] {
    buffer.withPointers { count, values, lengths, formats in
      (0..<Int(count)).map { index in
        guard let values, let lengths, let formats, let value = values[index] else { return Parameter(bytes: nil) }
        let bytes = UnsafeRawBufferPointer(start: value, count: Int(lengths[index]))
        return Parameter(bytes: Array(bytes), isText: formats[index] == 0)
      }
    }
  }

  @Test func `numbers are in network byte order`() throws {
    #expect(
      try parameters("\(1) \(Int32(-2)) \(true)").map(\.bytes) == [
        [0, 0, 0, 0, 0, 0, 0, 1], [255, 255, 255, 254], [1],
      ])
  }

  @Test func `text is sent as text and ends with the NUL that libpq measures by`() throws {
    var buffer = ParameterBuffer()
    try buffer.encode(("\("ab") \("")" as SQL).binds)
    #expect(read(buffer) == [Parameter(bytes: [97, 98], isText: true), Parameter(bytes: [], isText: true)])
    buffer.withPointers { _, values, _, _ in
      #expect(values?[0]?[2] == 0)
      #expect(values?[1]?[0] == 0)
    }
  }

  @Test func `NULL has no address, an empty value has one`() throws {
    #expect(try parameters("\(Int?.none) \("" as String)").map(\.bytes) == [nil, []])
  }

  @Test func `no parameter at all is no pointer`() throws { #expect(try parameters("SELECT 1").isEmpty) }

  @Test func `an array says its dimensions, its elements' type and whether it has NULLs`() throws {
    let array = try parameters("\([Int16(7), nil])")[0].bytes
    #expect(
      array == [
        0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 21, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 7, 255, 255, 255, 255,
      ])
    let empty = try parameters("\([Int16]())")[0].bytes
    #expect(empty == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 21])
    let nested = try parameters("\([[Int16(1)], [2]])")[0].bytes
    #expect(
      nested == [
        0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 21, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 0, 0,
        2,
        0, 2,
      ])
    #expect(try parameters("\([[Int16](), []])")[0].bytes == empty)
  }

  @Test func `an array of arrays of different lengths is refused`() {
    let error = #expect(throws: PostgresError.self) { try parameters("\([[1], [2, 3]])") }
    #expect(error?.message.contains("rectangular") == true)
    let null = #expect(throws: PostgresError.self) { try parameters("\([[1], nil])") }
    #expect(null?.message.contains("NULL") == true)
  }

  @Test func `the memory of one set of parameters serves the next, and leaves nothing behind`() throws {
    var buffer = ParameterBuffer()
    try buffer.encode(("\("long enough to be seen")" as SQL).binds)
    try buffer.encode(("\(1)" as SQL).binds)
    #expect(read(buffer) == [Parameter(bytes: [0, 0, 0, 0, 0, 0, 0, 1])])
    let error = #expect(throws: PostgresError.self) { try buffer.encode(("\(1) \("a\0b")" as SQL).binds) }
    #expect(error?.message.contains("NUL character") == true)
    try buffer.encode(("\(2)" as SQL).binds)
    #expect(read(buffer) == [Parameter(bytes: [0, 0, 0, 0, 0, 0, 0, 2])])
  }

  @Test func `too many parameters are refused before anything is sent`() {
    var sql: SQL = ""
    for _ in 0..<16 { sql = "\(sql)\(1)" }
    for _ in 0..<12 { sql = "\(sql)\(sql)" }
    #expect(sql.binds.count == 65_536)
    let error = #expect(throws: PostgresError.self) { try parameters(sql) }
    #expect(error?.message.contains("65535 at most") == true)
  }

  private struct Mood: PostgresEncodable {
    static let postgresType = PostgresType(named: "mood")
    func encode(into buffer: inout ParameterBuffer) { buffer.append(UInt8(1)) }
  }

  @Test func `a type of the database's own has the number that the catalogue gives`() throws {
    let types = TypeCatalogue([.init(name: "mood", oid: 0x4001, arrayOID: 0x4002, fields: [])], domains: [:])
    var buffer = ParameterBuffer()
    buffer.types = types
    let binds = ("\(Mood()) \([Mood()]) \(1)" as SQL).binds
    #expect(try binds.map { try buffer.parameterOID(of: $0) } == [0x4001, 0x4002, 20])
    #expect(try parameters("\([Mood()])", types: types)[0].bytes?[8..<12] == [0, 0, 0x40, 1])
    let error = #expect(throws: PostgresError.self) { try parameters("\([Mood()])") }
    #expect(error?.code == .encoding)
  }
}

/// Bytes that no server sends, but a broken one or somebody in between may.
@Suite struct MalformedBytesTests {
  private func cell(_ bytes: [UInt8], _ type: UInt32, _ body: (PostgresCell) throws -> Void) rethrows {
    try bytes.withUnsafeBytes { try body(PostgresCell(bytes: $0, type: type)) }
  }

  private func expectRefused<Value: PostgresDecodable>(_ type: Value.Type, oid: UInt32, _ bytes: [UInt8]) {
    cell(bytes, oid) { cell in
      let error = #expect(throws: PostgresError.self) { try Value(from: cell) }
      #expect(error?.code == .decoding)
    }
  }

  /// Every beginning of some bytes, and those bytes with each one changed: an error or a value, never a trap.
  private func mangle<Value: PostgresDecodable>(_ type: Value.Type, oid: UInt32, _ bytes: [UInt8]) {
    for length in 0..<bytes.count { expectRefused(type, oid: oid, Array(bytes.prefix(length))) }
    for index in bytes.indices {
      for byte in [UInt8(0x00), 0x01, 0x7f, 0x80, 0xff] {
        var mangled = bytes
        mangled[index] = byte
        cell(mangled, oid) { _ = try? Value(from: $0) }
      }
    }
  }

  private struct Pair: PostgresComposite {
    static let postgresType = PostgresType(named: "pair")
    init(from fields: inout CompositeReader) throws(PostgresError) {
      let _: Int16 = try fields.next()
      let _: String? = try fields.next()
    }
    func write(to fields: inout CompositeWriter) throws(PostgresError) {}
  }

  @Test func `bytes cut short or changed are errors or other values, never a trap`() {
    mangle([Int16].self, oid: 1005, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 21, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 7])
    mangle(
      [[Int16]].self, oid: 1005,
      [0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 21, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 7])
    mangle(PostgresHStore.self, oid: 20_000, [0, 0, 0, 1, 0, 0, 0, 1, 97, 0, 0, 0, 1, 98])
    mangle(Pair.self, oid: 20_000, [0, 0, 0, 2, 0, 0, 0, 21, 0, 0, 0, 2, 0, 7, 0, 0, 0, 25, 0, 0, 0, 1, 97])
    mangle(PostgresRange<Int32>.self, oid: 3904, [2, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 9])
    mangle(
      PostgresMultirange<Int32>.self, oid: 4451,
      [0, 0, 0, 1, 0, 0, 0, 17, 2, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 9])
    mangle(PostgresInet.self, oid: 869, [2, 32, 0, 4, 10, 0, 0, 1])
    mangle(PostgresMACAddress.self, oid: 829, [8, 0, 0x2b, 1, 2, 3])
    mangle(PostgresInterval.self, oid: 1186, [UInt8](repeating: 1, count: 16))
    mangle(PostgresTimeTZ.self, oid: 1266, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0])
    mangle(PostgresTimestamp.self, oid: 1114, [UInt8](repeating: 1, count: 8))
    mangle(Date.self, oid: 1184, [UInt8](repeating: 1, count: 8))
    mangle(Decimal.self, oid: 1700, [0, 1, 0, 0, 0, 0, 0, 0, 0, 5])
    mangle(UUID.self, oid: 2950, [UInt8](repeating: 1, count: 16))
    mangle(Double.self, oid: 701, [UInt8](repeating: 1, count: 8))
  }
}
