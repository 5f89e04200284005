internal import CLibpq

/// What the server says in an error or a notice.
struct ServerMessage: Sendable {
  var severity: String
  var sqlState: String?
  var message: String
  var detail: String?
  var hint: String?
  var position: Int?
  var context: String?
  var schema: String?
  var table: String?
  var column: String?
  var constraint: String?
  /// The function of the server's source that reports it.
  var function: String?

  /// Of the severities, which servers since 9.6 tell untranslated too, those after which the session is over.
  var endsConnection: Bool { severity == "FATAL" || severity == "PANIC" }
}

extension ServerMessage {
  init(of result: OpaquePointer) {
    func field(_ code: Character) -> String? {
      PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { String(cString: $0) }
    }
    self.init(
      severity: field("V") ?? field("S") ?? "ERROR", sqlState: field("C"),
      message: field("M") ?? PQresultErrorMessage(result).map { String(cString: $0) } ?? "unknown error",
      detail: field("D"), hint: field("H"), position: field("P").flatMap { Int($0) }, context: field("W"),
      schema: field("s"), table: field("t"), column: field("c"), constraint: field("n"), function: field("R"))
  }
}
