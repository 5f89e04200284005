import DatabaseTesting
import Postgres
import Testing

/// What an error says of a statement whose parameters are nobody's business.
@Suite(.everyWay) struct HiddenValueTests {
  /// Each fails at the server, which quotes the value in its message where it can.
  private static let refused: [SQL] = {
    let secret = Sensitive("hunter2")
    return [
      "SELECT \(secret)::text::int", "SELECT \(Sensitive("hun\"ter2"))::text::int",
      "SELECT \(Sensitive("\u{301}hunter2"))::text::int", "SELECT \(secret)::text::regclass",
      "SELECT \(secret)::text::regrole", "SELECT \(secret)::text::jsonb", "SELECT \(secret)::text::interval",
      "SELECT set_config(\(secret), 'x', false)", "SELECT nextval(\(secret)::text)",
      "SELECT to_tsquery(\(Sensitive("hunter2 hunter2")))", "SELECT date_trunc(\(secret), now())",
      "SELECT pg_read_file(\(secret))",
      "SELECT query_to_xml(\(secret), true, true, '')", "SELECT 'a' ~ \(Sensitive("(hunter2"))",
      "SELECT * FROM \(secret)",
    ]
  }()

  @Test func `an error's description has no value of a parameter in it`() async throws {
    try await withTestDatabase { pool in
      for sql in Self.refused {
        let error = await #expect(throws: PostgresError.self, "\(sql.text)") { try await pool.execute(sql) }
        #expect(error?.description.contains("ter2") == false, "\(sql.text)")
      }
    }
  }

  @Test func `names that stand in the statement are told`() async throws {
    try await withTestDatabase { pool in
      let error = await #expect(throws: PostgresError.self) { try await pool.execute("SELECT \(1) FROM nowhere") }
      #expect(error?.description.contains("\"nowhere\"") == true)
    }
  }
}
