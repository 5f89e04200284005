internal import CLibpq
internal import Glibc

/// What a short answer with rows says, in one piece of memory of its size. Whoever makes one ends it with ``deallocate()``.
///
/// A `PGresult` takes 3.5 KB however little is in it. Where they wait for the last answer of a batch, to find that room again
/// and again takes longer than to copy what is in it.
struct AnswerCopy {
  /// What an answer may take of libpq's memory, of which 3.5 KB is the least.
  private static let limit = 8192

  private struct Value {
    /// As a distance from ``memory``, like all places.
    var start: Int32
    /// -1 for NULL.
    var length: Int32
  }

  private struct Column {
    var name: Int32
    var type: UInt32
  }

  /// The table of values, row by row, and that of columns; then the values, the names and the tag.
  private let memory: UnsafeMutableRawPointer
  private let tagStart: Int32
  let rowCount: Int32
  let columnCount: Int32

  /// Nil for what is no answer with rows, and for a long one.
  init?(_ result: OpaquePointer) {
    guard PQresultStatus(result) == PGRES_TUPLES_OK, PQresultMemorySize(result) <= Self.limit,
      let tag = PQcmdStatus(result)
    else { return nil }
    let (rows, columns) = (PQntuples(result), PQnfields(result))
    (rowCount, columnCount) = (rows, columns)
    let tables = Self.columnsStart(rows, columns) + Int(columns) * MemoryLayout<Column>.stride
    var size = tables
    for row in 0..<rows {
      for column in 0..<columns { size += Self.aligned(PQgetlength(result, row, column)) }
    }
    for column in 0..<columns { size += strlen(PQfname(result, column)) + 1 }
    tagStart = Int32(size)
    guard let memory = malloc(size + strlen(tag) + 1) else { return nil }
    self.memory = memory
    memory.bindMemory(to: Value.self, capacity: Int(rows * columns))
    (memory + Self.columnsStart(rows, columns)).bindMemory(to: Column.self, capacity: Int(columns))

    var end = tables
    for row in 0..<rows {
      for column in 0..<columns {
        let length = PQgetlength(result, row, column)
        let isNull = length == 0 && PQgetisnull(result, row, column) == 1
        values[Int(row * columns + column)] = Value(start: Int32(end), length: isNull ? -1 : length)
        memcpy(memory + end, PQgetvalue(result, row, column), Int(length))
        end += Self.aligned(length)
      }
    }
    for column in 0..<columns {
      let length = strlen(PQfname(result, column)) + 1
      self.columns[Int(column)] = Column(name: Int32(end), type: PQftype(result, column))
      memcpy(memory + end, PQfname(result, column), length)
      end += length
    }
    memcpy(memory + end, tag, strlen(tag) + 1)
  }

  func deallocate() { free(memory) }

  var tag: UnsafePointer<CChar> { text(at: tagStart) }

  func columnName(_ column: Int32) -> UnsafePointer<CChar> { text(at: columns[Int(column)].name) }

  func columnType(_ column: Int32) -> UInt32 { columns[Int(column)].type }

  /// A value's bytes; nil for NULL.
  func bytes(_ row: Int32, _ column: Int32) -> UnsafeRawBufferPointer? {
    let value = values[Int(row * columnCount + column)]
    return value.length < 0 ? nil : UnsafeRawBufferPointer(start: memory + Int(value.start), count: Int(value.length))
  }

  private var values: UnsafeMutablePointer<Value> { memory.assumingMemoryBound(to: Value.self) }

  private var columns: UnsafeMutablePointer<Column> {
    (memory + Self.columnsStart(rowCount, columnCount)).assumingMemoryBound(to: Column.self)
  }

  private func text(at start: Int32) -> UnsafePointer<CChar> {
    UnsafePointer((memory + Int(start)).assumingMemoryBound(to: CChar.self))
  }

  private static func columnsStart(_ rows: Int32, _ columns: Int32) -> Int {
    Int(rows * columns) * MemoryLayout<Value>.stride
  }

  /// Values begin where libpq would have them begin, for who reads them as they lie there.
  private static func aligned(_ length: Int32) -> Int { (Int(length) + 7) & ~7 }
}
