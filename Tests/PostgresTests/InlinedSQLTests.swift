import Testing

@testable import Postgres

@Suite struct InlinedSQLTests {
  private func inline(_ sql: SQL) throws(PostgresError) -> InlinedSQL {
    var buffer = ParameterBuffer()
    try buffer.encode(sql.binds)
    return try InlinedSQL(sql, buffer.literals(sql.binds))
  }

  private static let none: String? = nil
  private static let literals: [(SQL, String)] = [
    ("SELECT \(1)", "SELECT  (E'1'::bigint) "),
    ("SELECT -\(-1)::int8", "SELECT - (E'-1'::bigint) ::int8"),
    ("\("it's \\ '")", " (E'it''s \\\\ ''') "),
    ("\(Int32?.none) \(none)", " (NULL::integer)   (NULL) "),
    ("\([true, false])", " (E'{\"t\",\"f\"}'::boolean[]) "),
    ("\(["a\"b\\", nil, ""] as [String?])", " (E'{\"a\\\\\"b\\\\\\\\\",NULL,\"\"}'::text[]) "),
    ("\("$2") \("$1")", " (E'$2')   (E'$1') "),
  ]

  @Test(arguments: literals) func `a value becomes a literal of its type, in parentheses`(
    sql: SQL, text: String
  ) throws {
    #expect(try inline(sql).text == text)
  }

  @Test(arguments: [
    "'\(1)'" as SQL, "'a''\(1)'", "E'\\'\(1)'", "\"\(1)\"", "-- \(1)", "/* /* */ \(1) */", "$$\(1)$$",
    "$a$ $$ \(1) $a$",
    "name\(1)", "é\(1)", "\(1)name", "\(1)1", "\(1)$", "E'a'\n'\\'\(1)'", "'unended \(1)",
    "E'a' -- c\n'b\\', \(1), 'c'", "E'a'\n -- c\n -- d\n 'b\\', \(1), 'c'",
  ])
  func `a parameter where no value can stand is refused`(sql: SQL) {
    let error = #expect(throws: PostgresError.self) { try inline(sql) }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains("parameter $1 stands in quotes") == true)
  }

  @Test(arguments: [
    "'\\' \(1) '\\'" as SQL, "E'\\'' \(1)", "'a''b' \(1)", "\"a\"\"b\" \(1)", "-- '\n\(1)", "/* ' /* */ ' */ \(1)",
    "$$'$$ \(1)", "$a$ $$ ' $a$ \(1)", "a$b$ = \(1)", "'$1' \(1)", "(\(1))", "a=\(1)", "\(1),\(2)", "\(1)::text",
    "a-\(1)",
    "E'a'\n'\\'' \(1)", "E'a' '' \(1)", "$1$ \(1)",
  ])
  func `a parameter behind quotes and comments is a value again`(sql: SQL) throws {
    #expect(try inline(sql).text.contains("E'1'::bigint"))
  }

  @Test(arguments: [
    "SELECT 1; SELECT 2", "SELECT 1;; -- c\n SELECT 2", "; SELECT 1", "SELECT ';'; x", "SELECT atomic FROM t; SELECT 2",
  ])
  func `several statements are refused`(text: String) {
    let error = #expect(throws: PostgresError.self) { try inline(SQL(unchecked: text)) }
    #expect(error?.message.contains("several statements in one text") == true)
  }

  @Test(arguments: ["SELECT 'a", "SELECT \"a", "SELECT E'a\\'", "SELECT $$a", "SELECT $a$ $$", "SELECT 1 /* /* */"])
  func `a statement that ends inside a quote or a comment is refused, for the next would be a part of it`(text: String)
  {
    let error = #expect(throws: PostgresError.self) { try inline(SQL(unchecked: text)) }
    #expect(error?.message.contains("ends inside a quote or a comment") == true)
  }

  @Test(arguments: [
    "SELECT 1;", "SELECT 1 ; ; -- end; of\n/* it; */ ", "SELECT ';', \";\", $$;$$",
    "CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b)",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END",
  ])
  func `a semicolon that ends nothing, or the only statement, is none too many`(text: String) throws {
    #expect(try inline(SQL(unchecked: text)).text == text)
  }

  @Test func `nothing but comments and semicolons is no statement`() throws {
    for text in ["", " -- a\n /* b */ ;"] { #expect(SQL(unchecked: text).isEmpty) }
    for text in ["SELECT 1", " -- a\nSELECT 1", "(SELECT 1)", ";SELECT 1"] { #expect(!SQL(unchecked: text).isEmpty) }
  }

  @Test func `a place in the text is traced to the place in the statement`() throws {
    let sql: SQL = "é = \("long text") AND \(1) + wrong"
    let inlined = try inline(sql)
    func place(of piece: String, in text: String) throws -> Int {
      let found = try #require(text.firstRange(of: piece))
      return text.unicodeScalars.distance(from: text.startIndex, to: found.lowerBound) + 1
    }
    for piece in ["é", "AND", "+", "wrong"] {
      let position = inlined.position(try place(of: piece, in: inlined.text))
      #expect(try position == place(of: piece, in: sql.text))
    }
    #expect(try inlined.position(place(of: "long text", in: inlined.text)) == place(of: "$1", in: sql.text))
    #expect(try inlined.position(place(of: "bigint", in: inlined.text)) == place(of: "$2", in: sql.text))
    #expect(inlined.length == inlined.text.unicodeScalars.count)
  }
}
