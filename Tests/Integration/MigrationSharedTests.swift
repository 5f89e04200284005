import FoundationEssentials
import Migrations
import Postgres
import SharedMigrations
import Testing

@Suite(.timeLimit(.minutes(3))) struct MigrationSharedTests {
  @Test func `every down restores exactly what stood before its up`() async throws {
    try await MigrationDatabase.with { database in
      let migrator = database.migrator(.shared)
      var before = try await database.catalogue()
      for version in MigrationSet.shared.migrations.map(\.version) {
        try await migrator.up(limit: 1)
        let after = try await database.catalogue()
        #expect(after != before, "up \(version) changed nothing")
        try await migrator.down()
        #expect(try await database.catalogue() == before, "down \(version)")
        try await migrator.up(limit: 1)
        #expect(try await database.catalogue() == after, "up \(version) again")
        before = after
      }
    }
  }

  @Test func `all 32 make what SCHEMA says, and all downs an empty database`() async throws {
    try await MigrationDatabase.with { database in
      let empty = try await database.catalogue()
      let migrator = database.migrator(.shared)
      let report = try await migrator.up()
      #expect(report.completed.count == 32)
      #expect((report.from, report.to) == (0, 32))
      let counts: [(String, Int64)] = try await database.connection.all(
        """
        WITH tables AS (
          SELECT oid, relnamespace::regnamespace::text AS schema FROM pg_class
          WHERE relkind = 'r' AND relnamespace::regnamespace::text IN ('shared', 'public', 'qar')
            AND relname <> 'schema_migrations' AND relname NOT LIKE 'keel_migration_%'
        )
        SELECT 'tables ' || schema, count(*) FROM tables GROUP BY schema
        UNION ALL SELECT 'columns', count(*) FROM pg_attribute JOIN tables ON tables.oid = attrelid
          WHERE attnum > 0 AND NOT attisdropped
        UNION ALL SELECT 'constraints ' || contype::text, count(*) FROM pg_constraint JOIN tables ON tables.oid = conrelid
          WHERE contype::text <> 'n' GROUP BY contype
        UNION ALL SELECT 'triggers', count(*) FROM pg_trigger JOIN tables ON tables.oid = tgrelid WHERE NOT tgisinternal
        UNION ALL SELECT 'policies', count(*) FROM shared.casbin_rule
        UNION ALL SELECT 'settings', count(*) FROM shared.server_settings
        ORDER BY 1
        """)
      #expect(
        counts.map { "\($0.0): \($0.1)" } == [
          "columns: 492", "constraints c: 14", "constraints f: 39", "constraints p: 40", "constraints u: 28",
          "policies: 59",
          "settings: 7", "tables public: 25", "tables shared: 15", "triggers: 15",
        ])
      #expect(try await migrator.downAll().completed.count == 32)
      #expect(try await database.catalogue() == empty)
      #expect(try await database.versionRow() == nil)
    }
  }

  @Test func `data lives through the migrations that change it`() async throws {
    try await MigrationDatabase.with { database in
      let migrator = database.migrator(.shared)
      try await migrator.to(27)
      let user = try await database.connection.one(
        """
        INSERT INTO shared.users (username, email, password_hash) VALUES ('ada', 'ada@example.org', 'x') RETURNING id
        """, as: UUID.self)
      try await database.connection.execute(
        """
        INSERT INTO public.user_totp_secrets (user_id, encrypted_secret, nonce, enabled)
        VALUES (\(user), convert_to('123456789012secret', 'UTF8'), convert_to('123456789012', 'UTF8'), true)
        """)
      try await database.connection.execute("INSERT INTO public.movies (title, tagline) VALUES ('Alien', '')")
      try await migrator.up()
      let texts = try await database.connection.one(
        "SELECT original_language, titles_i18n::text, taglines_i18n::text, overviews_i18n::text FROM public.movies",
        as: (String, String, String, String).self)
      #expect(texts == ("en", #"{"en": "Alien"}"#, "{}", "{}"))
      try await migrator.to(27)
      let (nonce, enabled) = try await database.connection.one(
        "SELECT convert_from(nonce, 'UTF8'), enabled FROM public.user_totp_secrets", as: (String, Bool).self)
      #expect(nonce == "123456789012")
      #expect(enabled)
    }
  }

  @Test func `a secret too short for a nonce stops the down of 28 and stays`() async throws {
    try await MigrationDatabase.with { database in
      let migrator = database.migrator(.shared)
      try await migrator.to(28)
      let user = try await database.connection.one(
        """
        INSERT INTO shared.users (username, email, password_hash) VALUES ('ada', 'ada@example.org', 'x') RETURNING id
        """, as: UUID.self)
      try await database.connection.execute(
        "INSERT INTO public.user_totp_secrets (user_id, encrypted_secret) VALUES (\(user), '\\x0102')")
      let before = try await database.catalogue()
      let error = try await migrationError { try await migrator.down() }
      #expect(error.code == .scriptFailed)
      #expect(error.message.contains("nonce_correct_size"))
      #expect(try await database.catalogue() == before)
      #expect(try await migrator.version() == 28)
      #expect(try await database.connection.one("SELECT count(*) FROM public.user_totp_secrets", as: Int.self) == 1)
    }
  }

  @Test func `a policy cannot stand twice`() async throws {
    try await MigrationDatabase.with { database in
      try await database.migrator(.shared).to(11)
      let inserted = try await database.connection.execute(
        """
        INSERT INTO shared.casbin_rule (ptype, v0, v1, v2) VALUES ('p', 'admin', '*', '*'), ('g', 'ada', 'admin', NULL),
          ('g', 'ada', 'admin', NULL)
        ON CONFLICT DO NOTHING
        """)
      #expect(inserted == 1)
    }
  }

  @Test func `nothing depends on the search path`() async throws {
    try await MigrationDatabase.with { database in
      try await database.connection.execute("ALTER ROLE \(identifier: database.role) SET search_path = pg_catalog")
      let migrator = database.migrator(.shared) { $0.schema = "public" }
      try await migrator.up()
      try await migrator.downAll()
    }
  }
}
