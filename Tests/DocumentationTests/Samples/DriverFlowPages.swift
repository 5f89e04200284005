import EventLoop
import FoundationEssentials
import Postgres

// What stands in GettingStarted.md, Queries.md, Transactions.md, Streaming.md, PgBouncer.md and Failover.md of Postgres.

enum PostgresGettingStartedPage {
  static func start() async throws {
    let loop = try EventLoop()
    let pool = try PostgresPool(.init(ConnectOptions("postgres://localhost/app")), loop: loop)
    try await pool.start()
    try await pool.execute("CREATE TABLE IF NOT EXISTS users (id bigint PRIMARY KEY, email text NOT NULL)")
    let count: Int = try await pool.one("SELECT count(*) FROM users")
    await pool.close()
    await loop.stop()
    _ = count
  }

  static func prefer(_ loop: EventLoop, _ pool: PostgresPool) async throws {
    func work(_ pool: PostgresPool) async throws {}
    try await withTaskExecutorPreference(loop) { try await work(pool) }
  }
}

enum QueriesPage {
  struct User: PostgresRow {
    var id: Int
    var email: String
  }

  static func use(_ pool: PostgresPool, id: Int) async throws {
    let user = try await pool.one("SELECT id, email FROM users WHERE id = \(id)", as: User.self, name: "GetUser")
    let nobody = try await pool.optional("SELECT email FROM users WHERE id = \(0)", as: String.self)
    let pairs = try await pool.all("SELECT id, email FROM users", as: (Int, String).self)
    let changed = try await pool.execute("UPDATE users SET email = lower(email)")

    let report = try await pool.all("SELECT id FROM users", as: Int.self, name: "Report", timeout: .seconds(2))
    _ = (user, nobody, pairs, changed, report)
  }

  static func cast(_ pool: PostgresPool, id: Int, n: Int, status: String?) async throws {
    let heads = try await pool.all("SELECT left(title, \(n)::int) FROM books", as: String.self)
    let prices = try await pool.all("SELECT round(price, \(Int32(2))) FROM books", as: Decimal.self)
    let due = try await pool.all("SELECT lent + \(n)::int FROM loans", as: PostgresDate.self)
    let soon: Date = try await pool.one("SELECT now() + make_interval(days => \(n)::int)")
    let tag: String? = try await pool.one("SELECT tags -> \(n)::int FROM books WHERE id = \(id)")

    let found = try await pool.all(
      "SELECT title FROM books WHERE \(status)::text IS NULL OR status = \(status)", as: String.self)

    _ = (heads, prices, due, soon, tag, found)
  }
}

extension QueriesPage {
  static func parts(_ pool: PostgresPool, table: String, owner: String?, newestFirst: Bool, n: Int) async throws {
    let mine: SQL = owner.map { "WHERE owner = \($0)" } ?? ""
    let order: SQL = newestFirst ? "id DESC" : "id"
    let ids = try await pool.all(
      "SELECT id FROM \(identifier: table) \(mine) ORDER BY \(order) LIMIT \(n)", as: Int.self)
    _ = ids
  }
}

enum TransactionsPage {
  struct NotEnough: Error {}

  static func move(_ pool: PostgresPool, from: Int, to: Int, amount: Int) async throws {
    try await pool.transaction(.init(isolation: .serializable), retrying: .serialization, timeout: .seconds(5)) { tx in
      let balance: Int = try await tx.one("SELECT amount FROM account WHERE id = \(from) FOR UPDATE")
      guard balance >= amount else { throw NotEnough() }
      try await tx.execute("UPDATE account SET amount = amount - \(amount) WHERE id = \(from)")
      try await tx.execute("UPDATE account SET amount = amount + \(amount) WHERE id = \(to)")
    }
  }

  static func sell(_ pool: PostgresPool, id: Int) async throws {
    try await pool.transaction(.init(isolation: .serializable), retrying: .serialization(attempts: 20)) { tx in
      let stock: Int = try await tx.one("SELECT stock FROM product WHERE id = \(id)")
      try await tx.execute("UPDATE product SET stock = \(stock - 1) WHERE id = \(id)")
    }
  }
}

enum StreamingPage {
  static func reload(_ pool: PostgresPool) async throws {}

  static func stream(_ pool: PostgresPool) async throws {
    for try await (id, email) in pool.stream("SELECT id, email FROM users", as: (Int, String).self) {
      if email.isEmpty { break }
      print(id)
    }
  }

  static func batch(_ pool: PostgresPool, id: Int) async throws {
    var batch = PostgresBatch()
    let user = batch.one("SELECT email FROM users WHERE id = \(id)", as: String.self)
    let count = batch.one("SELECT count(*) FROM orders WHERE user_id = \(id)", as: Int.self)
    let answers = try await pool.run(batch)
    print(try answers[user], try answers[count])
  }

  static func copy(_ pool: PostgresPool, upload: [UInt8]) async throws {
    try await pool.copyRows(into: "users", columns: ["id", "email"]) { writer in
      for id in 1...100_000 { try await writer.write(id, "user \(id)") }
    }
    for try await piece in pool.copyOut("COPY users TO STDOUT (FORMAT csv)") { print(piece.count) }
    let added = try await pool.copyIn("COPY users (id, email) FROM STDIN (FORMAT csv, HEADER)") { writer in
      try await writer.write(upload)
    }
    _ = added
  }

  static func listen(_ pool: PostgresPool) async throws {
    for try await event in pool.listen(to: "orders") {
      switch event {
      case .listening, .gap: try await reload(pool)
      case .notification(let notification): print(notification.payload)
      }
    }
  }
}

enum ReachingServersPage {
  static func bouncer() throws -> ConnectOptions {
    var options = try ConnectOptions("postgres://bouncer.internal:6432/app")
    options.statementCacheMode = .describe
    return options
  }

  static func failover() throws -> ConnectOptions {
    let options = try ConnectOptions("postgres://one,two/app?target_session_attrs=read-write")
    return options
  }
}
