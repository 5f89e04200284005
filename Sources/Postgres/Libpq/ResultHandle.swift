internal import CLibpq
internal import Glibc

/// Owns an answer: a `PGresult`, or a copy of a short one.
///
/// Unchecked: nobody changes a result once its owner is made, and libpq allows any number of readers.
final class ResultHandle: @unchecked Sendable {
  /// Nil when it is a copy.
  private let result: OpaquePointer?
  private let copy: AnswerCopy?
  /// What the database says of its own types.
  let types: TypeCatalogue?

  enum Form { case binary, text, unreadable }

  /// What the values of each column came to; empty when all came in binary.
  private let forms: [Form]

  /// - Parameter waits: for other answers, before it is read and goes.
  init(_ result: OpaquePointer, _ types: TypeCatalogue?, inBinary: Bool, waits: Bool) {
    self.types = types
    forms = inBinary ? Self.translate(result, TextForm(types: types)) : []
    copy = waits ? AnswerCopy(result) : nil
    self.result = copy == nil ? result : nil
    if copy != nil { PQclear(result) }
  }

  /// Puts the binary form in the place of text.
  private static func translate(_ result: OpaquePointer, _ form: TextForm) -> [Form] {
    (0..<PQnfields(result)).map { column in
      // One for each column: a value that is not understood leaves its beginning behind.
      var buffer = ParameterBuffer()
      // A cursor may have been declared BINARY.
      guard PQfformat(result, column) == 0 else { return .binary }
      let type = PQftype(result, column)
      guard form.knows(type) else { return .text }
      guard !form.isText(type) else { return .binary }
      for row in 0..<PQntuples(result) where PQgetisnull(result, row, column) == 0 {
        let text = UnsafeRawBufferPointer(
          start: PQgetvalue(result, row, column), count: Int(PQgetlength(result, row, column)))
        do throws(PostgresError) {
          try form.read(Array(text), as: type, into: &buffer)
        } catch {
          return .unreadable
        }
        let isSet = buffer.takeBytes().withUnsafeBytes { bytes in
          // libpq copies the bytes, and only reads them.
          let pointer = UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
          return PQsetvalue(result, row, column, pointer, Int32(clamping: bytes.count)) == 1
        }
        guard isSet else { return .unreadable }
      }
      return .binary
    }
  }

  deinit {
    PQclear(result)
    copy?.deallocate()
  }

  var rowCount: Int { Int(copy?.rowCount ?? PQntuples(result)) }
  var columnCount: Int { Int(copy?.columnCount ?? PQnfields(result)) }

  func columnName(_ column: Int) -> String {
    let name = copy?.columnName(Int32(column)) ?? PQfname(result, Int32(column)).map { UnsafePointer($0) }
    return name.map { String(cString: $0) } ?? ""
  }

  func columnType(_ column: Int) -> UInt32 { copy?.columnType(Int32(column)) ?? PQftype(result, Int32(column)) }

  /// A value's bytes as text; nil for NULL.
  func text(_ row: Int, _ column: Int) -> String? {
    withExtendedLifetime(self) { values.bytes(row, column).map { String(decoding: $0, as: UTF8.self) } }
  }

  /// The values, good for as long as this handle lives.
  var values: Values { Values(self) }

  /// Reads values without counting references to the handle, which for each of them would cost as much as reading it:
  /// whoever uses this holds the handle.
  struct Values {
    private let result: OpaquePointer?
    private unowned(unsafe) let handle: ResultHandle
    private let areAllBinary: Bool
    let types: Unmanaged<TypeCatalogue>?

    init(_ handle: ResultHandle) {
      result = handle.result
      self.handle = handle
      areAllBinary = handle.forms.isEmpty
      types = handle.types.map(Unmanaged.passUnretained)
    }

    @inline(__always)
    func form(of column: Int) -> Form { areAllBinary ? .binary : handle.forms[column] }

    /// A value's bytes; nil for NULL.
    func bytes(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
      let (row, column) = (Int32(truncatingIfNeeded: row), Int32(truncatingIfNeeded: column))
      guard let result else { return handle.copy?.bytes(row, column) }
      let length = PQgetlength(result, row, column)
      if length == 0, PQgetisnull(result, row, column) == 1 { return nil }
      return UnsafeRawBufferPointer(start: PQgetvalue(result, row, column), count: Int(length))
    }
  }

  /// Whether the statement is done with it. A rule may have one return several results, and only the last has a tag.
  var isLast: Bool { tag.map { $0[0] != 0 } ?? false }

  /// Such as `INSERT 0 3`.
  var commandTag: String { tag.map { String(cString: $0) } ?? "" }

  private var tag: UnsafePointer<CChar>? { copy?.tag ?? PQcmdStatus(result).map { UnsafePointer($0) } }

  /// Whether the session has no prepared statements any more.
  var forgetsStatements: Bool { hasTag("DISCARD ALL") || hasTag("DEALLOCATE ALL") }

  /// Whether the statement was one that begins a transaction.
  var beginsTransaction: Bool { hasTag("BEGIN") || hasTag("START TRANSACTION") }

  /// What became of the transaction, if the statement was one that ends it. A savepoint that is rolled back to looks as one
  /// that did not end it well, and the transaction goes on.
  var transactionOutcome: TransactionOutcome? {
    if hasTag("COMMIT") || hasTag("PREPARE TRANSACTION") { return .kept }
    return hasTag("ROLLBACK") ? .undone : nil
  }

  /// Compared where it lies: this is asked of every statement without rows.
  private func hasTag(_ wanted: String) -> Bool { tag.map { strcmp($0, wanted) == 0 } ?? false }

  /// Rows that the statement inserted, changed, deleted or returned: the number at the end of its tag.
  var rowsAffected: Int { tag.flatMap { strrchr($0, Int32(UInt8(ascii: " "))) }.map { atol($0) } ?? 0 }

  /// The server's error, if this is one.
  var error: PostgresError? {
    guard let result else { return nil }
    switch PQresultStatus(result) {
    case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE, PGRES_NONFATAL_ERROR:
      return PostgresError(server: ServerMessage(of: result))
    case PGRES_PIPELINE_ABORTED:
      return PostgresError(.server, "not run, because the statement before it failed")
    default: return nil
    }
  }

  /// Whether there was no statement in the text.
  var isEmptyQuery: Bool { PQresultStatus(result) == PGRES_EMPTY_QUERY }

  /// Whether the server now expects or sends the data of a COPY.
  var isCopy: Bool {
    let status = PQresultStatus(result)
    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH
  }

  enum CopyDirection { case `in`, out, neither }

  /// Which way the data of a COPY goes.
  var copyDirection: CopyDirection {
    switch PQresultStatus(result) {
    case PGRES_COPY_IN: .in
    case PGRES_COPY_OUT: .out
    default: .neither
    }
  }

  /// Whether the data of a COPY is in binary.
  var isBinary: Bool { PQbinaryTuples(result) == 1 }

  /// The memory that it takes.
  var size: Int { PQresultMemorySize(result) }
}
