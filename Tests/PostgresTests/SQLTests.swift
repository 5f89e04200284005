import Testing

@testable import Postgres

@Suite struct SQLTests {
  @Test func `values become parameters in the order they stand`() {
    let sql: SQL = "SELECT \(1), \("a"), \(true)"
    #expect(sql.text == "SELECT $1, $2, $3")
    #expect(sql.binds.map(\.oid) == [20, 0, 16])
    #expect(sql.binds.map(\.isText) == [false, true, false])
    #expect(sql.binds.map { "\($0.value)" } == ["1", "a", "true"])
  }

  @Test func `more than nine parameters are numbered with two digits`() {
    let fragment: SQL = "(\(1), \(2), \(3), \(4), \(5), \(6), \(7), \(8), \(9), \(10), \(11))"
    #expect(fragment.text == "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
    let twice: SQL = "VALUES \(fragment), \(fragment)"
    #expect(twice.text.hasSuffix("($12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)"))
    #expect(twice.binds.map { "\($0.value)" } == (Array(1...11) + Array(1...11)).map { "\($0)" })
  }

  @Test func `a fragment in a fragment keeps its parameters in their places`() {
    let inner: SQL = "b = \("b") OR c = \("c")"
    let middle: SQL = "a = \("a") AND (\(inner))"
    let outer: SQL = "SELECT \("first") WHERE \(middle) LIMIT \(9)"
    #expect(outer.text == "SELECT $1 WHERE a = $2 AND (b = $3 OR c = $4) LIMIT $5")
    #expect(outer.binds.map { "\($0.value)" } == ["first", "a", "b", "c", "9"])
  }

  @Test func `a dollar sign in a fragment's own text is not taken for a parameter`() {
    let inner: SQL = "price = '$1' AND name = \("x") AND note = $$2$$"
    let outer: SQL = "\(1) \(inner)"
    #expect(outer.text == "$1 price = '$1' AND name = $2 AND note = $$2$$")
  }

  @Test func `a fragment with letters beyond ASCII is cut at the right places`() {
    let inner: SQL = "größe = \(1) AND 名 = \("x") OR 🧭"
    let outer: SQL = "\(0) é \(inner) é"
    #expect(outer.text == "$1 é größe = $2 AND 名 = $3 OR 🧭 é")
  }

  @Test func `a fragment without parameters, and an empty one, are text`() {
    let none: SQL = ""
    let some: SQL = "now()"
    #expect(("SELECT \(some)\(none), \(1)" as SQL).text == "SELECT now(), $1")
  }

  @Test(arguments: [
    ("users", "\"users\""), ("Users", "\"Users\""), ("a b", "\"a b\""), ("a\"b", "\"a\"\"b\""), ("a.b", "\"a.b\""),
    ("", "\"\""), ("\"; DROP TABLE users; --", "\"\"\"; DROP TABLE users; --\""),
    // To Swift a mark that combines makes another character of the quotation mark, to the server it does not.
    ("a\"\u{301}; DROP TABLE users; --", "\"a\"\"\u{301}; DROP TABLE users; --\""),
  ])
  func `an identifier is quoted whatever is in it`(name: String, quoted: String) {
    #expect(("\(identifier: name)" as SQL).text == quoted)
  }

  @Test(arguments: ["SELECT '\0', \(1)", "SELECT \(1), '\0'", "SELECT \(1), \(2) -- \0"] as [SQL])
  func `a text that would end early at the server is refused, wherever it is broken`(sql: SQL) throws {
    let error = #expect(throws: PostgresError.self) { try sql.checkText() }
    #expect(error?.message.contains("NUL character") == true)
    try ("SELECT \(1), \(2)" as SQL).checkText()
  }

  @Test func `a text says where its placeholders stand, and is of pieces`() {
    let condition: SQL = "id = \(1) AND name = \("é")"
    let sql: SQL = "SELECT \(identifier: "a\"b") FROM t WHERE \(condition) OR \(condition)\(2) -- ü"
    #expect(
      sql.text == "SELECT \"a\"\"b\" FROM t WHERE id = $1 AND name = $2 OR id = $3 AND name = $4$5 -- ü")
    #expect(
      sql.pieces == ["SELECT \"a\"\"b\" FROM t WHERE id = ", " AND name = ", " OR id = ", " AND name = ", "", " -- ü"])
    let bytes = Array(sql.text.utf8)
    #expect(sql.offsets.map { String(decoding: bytes[$0...$0 + 1], as: UTF8.self) } == ["$1", "$2", "$3", "$4", "$5"])
  }

  @Test func `NULL is a parameter of the value's type`() {
    let sql: SQL = "\(Int32?.none) \(String?.some("a")) \([Int?]?.none)"
    #expect(sql.text == "$1 $2 $3")
    #expect(sql.binds.map(\.oid) == [23, 0, 1016])
    #expect(sql.binds.map(\.value.isNull) == [true, false, true])
  }

  @Test func `a type that the database names has no number yet`() {
    struct Mood: PostgresEncodable {
      static let postgresType = PostgresType(named: "mood")
      func encode(into buffer: inout ParameterBuffer) {}
    }
    let sql: SQL = "\(Mood()) \([Mood()]) \([[Mood()]])"
    #expect(sql.binds.map(\.type.name) == ["mood", "mood[]", "mood[]"] && sql.hasNamedTypes)
    #expect(!("\(1)" as SQL).binds[0].isOfNamedType)
  }

  @Test func `an unchecked text has no parameters, whatever it looks like`() {
    let sql = SQL(unchecked: "SELECT $1 \\(x)")
    #expect(sql.text == "SELECT $1 \\(x)" && sql.binds.isEmpty)
  }

  @Test func `a statement is sensitive if a value is, in an array or in a composite too`() {
    struct Token: PostgresEncodable {
      static let postgresType = PostgresType(named: "token")
      var secret = Sensitive("x")
      func encode(into buffer: inout ParameterBuffer) {}
    }
    for sql in ["\(Sensitive("x"))", "\([Sensitive("x")])", "\(Token())", "\([1]) \(Token?.some(Token()))"] as [SQL] {
      #expect(sql.isSensitive, "\(sql.text)")
    }
    #expect(!("\("x") \([1, 2])" as SQL).isSensitive)
  }
}
