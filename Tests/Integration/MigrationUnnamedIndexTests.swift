import Migrations
import Postgres
import Testing

/// What a statement that built an index left behind when it stopped, where that has no name in the script: the server finds
/// one, and another when the statement is run again.
@Suite(.timeLimit(.minutes(3))) struct MigrationUnnamedIndexTests {
  private static let table = ("CREATE TABLE public.t (a int, b int);", "DROP TABLE public.t;")

  private func set(_ script: String) -> MigrationSet {
    .scripts("main", Self.table, ("-- keel: no-transaction\n" + script, "SELECT 1"))
  }

  private func indexes(_ database: MigrationDatabase) async throws -> [String] {
    try await database.connection.all(
      """
      SELECT relname || ' ' || indisvalid FROM pg_index JOIN pg_class AS c ON c.oid = indexrelid
      WHERE indrelid = 'public.t'::regclass ORDER BY 1
      """, as: String.self)
  }

  /// Runs `set` and ends the session that builds the index while it waits for others to end, or, with `beforeRecord`, when
  /// it has built it and is about to write that down.
  private func stop(_ set: MigrationSet, _ database: MigrationDatabase, beforeRecord: Bool) async throws {
    // The build waits for this transaction to end.
    let writer = try await PostgresConnection.connect(database.options, loop: database.loop)
    try await writer.script("BEGIN; INSERT INTO public.t VALUES (1, 1)")
    let task = Task { try await database.migrator(set).up() }
    var builder: Int32?
    try await until {
      builder = try await database.connection.optional(
        """
        SELECT a.pid FROM pg_stat_activity AS a, pg_index AS i
        WHERE a.query ~* '^(CREATE|REINDEX).* CONCURRENTLY ' AND a.wait_event_type = 'Lock' AND NOT i.indisvalid
          AND a.datname = current_database()
        """, as: Int32.self)
      return builder != nil
    }
    let process = try #require(builder)
    let reader = try await PostgresConnection.connect(database.options, loop: database.loop)
    if beforeRecord {
      try await reader.script("BEGIN; LOCK public.keel_migration_history IN SHARE MODE")
      try await writer.script("ROLLBACK")
      try await until {
        try await database.connection.one(
          "SELECT \(reader.processID) = ANY (pg_blocking_pids(\(process)))", as: Bool.self)
      }
    }
    try await database.connection.execute("SELECT pg_terminate_backend(\(process))")
    await #expect(throws: MigrationError.self) { try await task.value }
    await writer.close()
    await reader.close()
    #expect(try await migrationError { try await database.migrator(set).up() }.code == .dirty)
  }

  @Test(arguments: [
    ("CREATE INDEX CONCURRENTLY ON public.t (a)", "t_a_idx"),
    (
      "SET search_path = public;\ncreate unique index concurrently on only t using btree (abs(b) DESC, a) where a > 0",
      "t_abs_a_idx"
    ),
  ]) func `one that was finished when the migrator died is not built again`(script: String, name: String) async throws {
    try await MigrationDatabase.with { database in
      let set = set(script + ";\nINSERT INTO public.t VALUES (7, 7)")
      try await database.migrator(set).up(limit: 1)
      try await stop(set, database, beforeRecord: true)
      #expect(try await indexes(database) == ["\(name) true"])
      try await database.migrator(set).resume()
      #expect(try await indexes(database) == ["\(name) true"])
      #expect(try await database.connection.all("SELECT a FROM public.t", as: Int.self) == [7])
      #expect(try await database.versionRow() ?? (0, true) == (2, false))
      #expect(try await database.migrator(set).verify().isEmpty)
    }
  }

  @Test func `one that is just the same and was there before, or another that came since, is not taken for it`()
    async throws
  {
    try await MigrationDatabase.with { database in
      let set = set("CREATE INDEX CONCURRENTLY ON public.t (a)")
      try await database.migrator(set).up(limit: 1)
      try await database.connection.execute("CREATE INDEX before ON public.t (a)")
      try await stop(set, database, beforeRecord: false)
      #expect(try await indexes(database) == ["before true", "t_a_idx false"])
      try await database.connection.script(
        "CREATE INDEX since ON public.t (b); CREATE UNIQUE INDEX other ON public.t (a)")
      let events = MigrationEvents()
      try await database.migrator(set, observer: events.observer).resume()
      #expect(try await indexes(database) == ["before true", "other true", "since true", "t_a_idx true"])
      #expect(events.all.contains { if case .droppedInvalidIndex(_, "public.t_a_idx") = $0 { true } else { false } })
    }
  }

  @Test func `one that cannot be built is named each time, and leaves nothing when it is`() async throws {
    try await MigrationDatabase.with { database in
      let migrator = database.migrator(set("CREATE UNIQUE INDEX CONCURRENTLY ON public.t (a)"))
      try await migrator.up(limit: 1)
      try await database.connection.execute("INSERT INTO public.t VALUES (1, 1), (1, 2)")
      let error = try await migrationError { try await migrator.up() }
      #expect(error.message.hasSuffix("invalid are the indexes public.t_a_idx"))
      let again = try await migrationError { try await migrator.resume() }
      #expect(again.message.hasSuffix("invalid are the indexes public.t_a_idx"))
      #expect(try await indexes(database) == ["t_a_idx false"])
      try await database.connection.execute("DELETE FROM public.t WHERE b = 2")
      try await migrator.resume()
      #expect(try await indexes(database) == ["t_a_idx true"])
    }
  }

  @Test func `where it is not to be found out, those that came since are named and nothing is done`() async throws {
    try await MigrationDatabase.with { database in
      let set = set("CREATE INDEX CONCURRENTLY ON public.t (a) WHERE t.b > 0")
      try await database.migrator(set).up(limit: 1)
      try await stop(set, database, beforeRecord: true)
      let error = try await migrationError { try await database.migrator(set).resume() }
      #expect(error.code == .scriptFailed)
      #expect(error.message.hasPrefix("up 2 m2 cannot be resumed: whether one of public.t_a_idx is what"))
      #expect(try await indexes(database) == ["t_a_idx true"])
      try await database.connection.execute("DROP INDEX CONCURRENTLY public.t_a_idx")
      try await database.migrator(set).resume()
      #expect(try await indexes(database) == ["t_a_idx true"])
    }
  }

  @Test func `what an index was to be replaced by is dropped before it is built again`() async throws {
    try await MigrationDatabase.with { database in
      let set = set("REINDEX TABLE CONCURRENTLY public.t")
      try await database.migrator(set).up(limit: 1)
      try await database.connection.execute("CREATE INDEX t_a ON public.t (a)")
      try await stop(set, database, beforeRecord: false)
      #expect(try await indexes(database) == ["t_a true", "t_a_ccnew false"])
      try await database.migrator(set).resume()
      #expect(try await indexes(database) == ["t_a true"])
      #expect(try await database.versionRow() ?? (0, true) == (2, false))
    }
  }
}
