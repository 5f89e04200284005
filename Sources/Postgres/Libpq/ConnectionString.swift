internal import CLibpq

/// Takes a connection string apart as libpq does, without connecting.
func parseConnectionString(_ text: String) throws(PostgresError) -> [(keyword: String, value: String)] {
  var message: UnsafeMutablePointer<CChar>?
  guard let options = PQconninfoParse(text, &message) else {
    defer { PQfreemem(message) }
    throw PostgresError(malformedConnectionString: message.map { String(cString: $0) } ?? "out of memory")
  }
  defer { PQconninfoFree(options) }
  var pairs: [(String, String)] = []
  var option = options
  while let keyword = option.pointee.keyword {
    if let value = option.pointee.val { pairs.append((String(cString: keyword), String(cString: value))) }
    option += 1
  }
  return pairs
}
