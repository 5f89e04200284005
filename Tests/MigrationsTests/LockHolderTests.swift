import Migrations
import Testing

@Suite struct LockHolderTests {
  @Test(arguments: [
    ("a LIKE'\\' AND b = 'hunter2'", "a LIKE? AND b = ?"),
    ("SELECT * FROM t WHERE a = 'x' AND b = 12.5", "SELECT * FROM t WHERE a = ? AND b = ?"),
    ("UPDATE t1 SET a2 = 'it''s' || E'a\\'b' WHERE c = $1", "UPDATE t1 SET a2 = ? || E? WHERE c = $1"),
    ("DO $$ secret $$; SELECT $a$ x $a$, \"Col 1\"", "DO ?; SELECT ?, \"Col 1\""),
    (
      "SELECT \"it's\", \"a \"\" b\" FROM \"T 2\" WHERE x = 'y'",
      "SELECT \"it's\", \"a \"\" b\" FROM \"T 2\" WHERE x = ?"
    ),
    ("INSERT INTO t\n  VALUES ('cut off in the mid", "INSERT INTO t VALUES (?"), ("SELECT $x$ cut off", "SELECT ?"),
    ("", ""), ("<IDLE> in transaction", "<IDLE> in transaction"),
  ])
  func `the outline of a query has no values`(query: String, outline: String) {
    let holder = LockHolder(processID: 1, application: "", user: "", client: nil, age: .zero, query: query)
    #expect(holder.outline == outline)
  }

  /// Read as the beginning of a string, an apostrophe turns the strings behind it inside out.
  @Test(arguments: [
    "SELECT 1 -- it's\n, 'hunter2'", "SELECT 1 -- it's\r\n, 'hunter2'", "-- don't\nSELECT 'hunter2', 'hunter2'",
    "SELECT /* it's */ 'hunter2'", "SELECT /* /* it's */ isn't */ 'hunter2'", "SELECT 1 /* it's 'hunter2' cut off",
    "SELECT \"it's\" FROM t WHERE a = 'hunter2'", "SELECT \"a\"\"'\" FROM t WHERE a = 'hunter2'",
    "SELECT '\"', 'hunter2'", "SELECT '--', 'hunter2'", "SELECT '/*', 'hunter2' /* ' */",
    "SELECT $$ \" -- /* $$, 'hunter2'", "SELECT 1 -- password 'hunter2'",
    // To Swift a mark that combines makes another character of what stands before it.
    "SELECT '\u{301}hunter2'", "SELECT 'a', \"b\"\u{301}, 'hunter2'", "SELECT $$\u{301}hunter2$$",
    "SELECT /* ' */\u{301} 'hunter2'", "SELECT 'a'\u{301}, 'hunter2'", "SELECT --\u{301}'\n'hunter2'",
  ])
  func `an apostrophe in a comment or a name shows no value`(query: String) {
    let holder = LockHolder(processID: 1, application: "", user: "", client: nil, age: .zero, query: query)
    #expect(!holder.outline.contains("hunter2"))
  }

  @Test func `a long query is cut`() {
    let holder = LockHolder(
      processID: 1, application: "", user: "", client: nil, age: .zero, query: String(repeating: "ab ", count: 200))
    #expect(holder.outline.count == 200 && holder.outline.hasSuffix("…"))
  }
}
