import Testing

@testable import MigrationFiles

@Suite struct MigrationScriptPartsTests {
  @Test func `a BEGIN and COMMIT around the file are left out`() throws {
    let statements = try MigrationScriptParts.statements("-- é\nBEGIN;\nSELECT 1;\nCOMMIT ;\n")
    #expect(statements.map(\.text) == ["SELECT 1"])
    #expect(statements.map(\.position) == [13])
    #expect(try MigrationScriptParts.statements("START TRANSACTION; SELECT 1; END").count == 1)
    #expect(try MigrationScriptParts.statements("SAVEPOINT a; ROLLBACK TO a").count == 2)
    for word in ["WORK", "TRANSACTION"] {
      #expect(try MigrationScriptParts.statements("SAVEPOINT a; ROLLBACK \(word) TO SAVEPOINT a").count == 2)
    }
    #expect(try MigrationScriptParts.statements("-- nothing to do").isEmpty)
  }

  @Test(arguments: ["BEGIN", "begin work", "START\nTRANSACTION", "BEGIN TRANSACTION"])
  func `what a file's own BEGIN asks of its transaction is kept`(begin: String) throws {
    let statements = try MigrationScriptParts.statements("\(begin) ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT")
    #expect(statements.map(\.text) == ["SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SELECT 1"])
    #expect(try MigrationScriptParts.statements("\(begin); SELECT 1; COMMIT").map(\.text) == ["SELECT 1"])
  }

  @Test(arguments: [
    ("SELECT 1;\nCOMMIT;\nSELECT 2", 2), ("BEGIN;\nSELECT 1", 1), ("SELECT 1;\nCOMMIT", 2),
    ("BEGIN;\nSELECT 1;\nROLLBACK", 1),
    ("BEGIN", 1), ("SELECT 1;\n\nCOPY t FROM stdin", 3),
    // What follows is no SQL, and no fault of its own.
    ("COPY t FROM stdin;\n1\tit's\n\\.\n", 1),
  ])
  func `what would cut the transaction is refused at its line`(text: String, line: Int) {
    #expect {
      try MigrationScriptParts.statements(text)
    } throws: {
      ($0 as? SQLSplitError)?.location.line == line
    }
  }

  @Test func `outside a transaction, statements stand alone where the server wants it`() throws {
    let units = try MigrationScriptParts.units(
      """
      CREATE INDEX CONCURRENTLY i ON t (a);
      INSERT INTO t VALUES (1);
      BEGIN; SELECT 1; SELECT 2; COMMIT;
      BEGIN; COMMIT;
      VACUUM t; DO $$ $$; ALTER TABLE t ADD b int; ALTER SYSTEM SET x = 1; DROP DATABASE d;
      """)
    #expect(units.map(\.inTransaction) == [false, true, true, false, false, true, false, false])
    #expect(units.map(\.statements.count) == [1, 1, 2, 1, 1, 1, 1, 1])
  }

  @Test(arguments: ["BEGIN; SELECT 1", "COMMIT", "BEGIN; BEGIN; COMMIT", "ROLLBACK", "COPY t FROM stdin"])
  func `unbalanced transactions are refused`(text: String) {
    #expect(throws: SQLSplitError.self) { try MigrationScriptParts.units(text) }
  }
}

@Suite struct ConcurrentIndexTests {
  private func read(_ text: String) throws -> ConcurrentIndex? {
    try SQLSplitter.split(text).first.flatMap(ConcurrentIndex.init)
  }

  @Test func `the index and its table are read`() throws {
    #expect(
      try read("CREATE INDEX CONCURRENTLY Idx_A ON public . \"T 1\" (a)")
        == .build(name: "idx_a", table: "public.\"T 1\""))
    #expect(
      try read(
        "create unique /* c /* d */ */ index concurrently -- x\n if not exists \"I\"\"x\" on only t using gin (a)")
        == .build(name: "\"I\"\"x\"", table: "t"))
    #expect(try read("DROP INDEX CONCURRENTLY IF EXISTS shared.i") == .drop(name: "shared.i"))
  }

  @Test func `of a name without quotes the letters of ASCII alone become small, as at the server`() throws {
    #expect(try read("CREATE INDEX CONCURRENTLY IX_Ä ON TÄBLE (a)") == .build(name: "ix_Ä", table: "tÄble"))
  }

  @Test func `an index without a name is read with what it is to be`() throws {
    #expect(
      try read("CREATE INDEX CONCURRENTLY ON t(a)")
        == .buildUnnamed(table: "t", isUnique: false, definition: "(a)"))
    #expect(
      try read("create unique index concurrently on only s.\"T\" using btree (\"A\" desc) WHERE b > 'X'")
        == .buildUnnamed(
          table: "s.\"T\"", isUnique: true, definition: " using btree (\"A\" desc) WHERE b > 'X'"))
  }

  @Test(arguments: [
    "CREATE INDEX i ON t (a)", "CREATE INDEX ON t (a)", "DROP INDEX i", "SELECT 1", "CREATE",
    "REINDEX INDEX CONCURRENTLY i",
  ])
  func `anything else is not one`(text: String) throws {
    #expect(try read(text) == nil)
  }
}

/// Files that need no directive because the server leaves no doubt.
@Suite struct LoneStatementTests {
  @Test(arguments: [
    "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a);", "-- why\nDROP INDEX CONCURRENTLY i", "VACUUM t",
    "ALTER SYSTEM SET a = 1",
    "REINDEX TABLE CONCURRENTLY t", "CREATE DATABASE d", "REINDEX SCHEMA s", "DISCARD ALL;",
    "ALTER TABLE t\n  DETACH PARTITION p CONCURRENTLY;",
    // The server finds a name for it.
    "CREATE INDEX CONCURRENTLY ON t(x);", "create unique index concurrently on t (a)",
  ])
  func `a file of one statement that refuses a transaction runs outside one`(text: String) {
    #expect(MigrationScriptParts.isLoneStatementOutsideTransactions(text))
  }

  @Test(arguments: [
    "CREATE INDEX i ON t (a)", "SELECT 1; VACUUM t", "CREATE INDEX CONCURRENTLY i ON t (a); SELECT 1",
    "REINDEX TABLE t", "ALTER TABLE t DETACH PARTITION p", "CREATE INDEX ON t (a)",
    "CREATE INDEX CONCURRENTLY ON t (a); SELECT 1",
    "INSERT INTO t VALUES ('CREATE INDEX CONCURRENTLY')", "", "SELECT 'no end",
  ])
  func `any other file runs in a transaction`(text: String) {
    #expect(!MigrationScriptParts.isLoneStatementOutsideTransactions(text))
  }
}
