import Migrations
import Testing

@Suite struct LockHolderTests {
  @Test(arguments: [
    ("SELECT * FROM t WHERE a = 'x' AND b = 12.5", "SELECT * FROM t WHERE a = ? AND b = ?"),
    ("UPDATE t1 SET a2 = 'it''s' || E'a\\'b' WHERE c = $1", "UPDATE t1 SET a2 = ? || E? WHERE c = $1"),
    ("DO $$ secret $$; SELECT $a$ x $a$, \"Col 1\"", "DO ?; SELECT ?, \"Col 1\""),
    ("INSERT INTO t\n  VALUES ('cut off in the mid", "INSERT INTO t VALUES (?"), ("SELECT $x$ cut off", "SELECT ?"),
    ("", ""), ("<IDLE> in transaction", "<IDLE> in transaction"),
  ])
  func `the outline of a query has no values`(query: String, outline: String) {
    let holder = LockHolder(processID: 1, application: "", user: "", client: nil, age: .zero, query: query)
    #expect(holder.outline == outline)
  }

  @Test func `a long query is cut`() {
    let holder = LockHolder(
      processID: 1, application: "", user: "", client: nil, age: .zero, query: String(repeating: "ab ", count: 200))
    #expect(holder.outline.count == 200 && holder.outline.hasSuffix("…"))
  }
}
