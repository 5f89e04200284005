import EventLoop
import FoundationEssentials
import Postgres
import ResourcePool

// What stands in Types.md, PoolTuning.md and ComingFromOtherDrivers.md of Postgres, and in the page of ResourcePool.

enum TypesPage {
  enum Mood: String, PostgresCodable { case happy, sad }

  enum Size: String, PostgresCodable {
    case small, large
    static let postgresType = PostgresType(named: "size")
  }

  static func use(_ pool: PostgresPool) async throws {
    let happy: [String] = try await pool.all("SELECT name FROM people WHERE mood = \(Mood.happy)")

    try await pool.execute("UPDATE shirts SET sizes = \([Size.small, .large])")

    let leap = PostgresDate(year: 2024, month: 2, day: 29)
    let opening = PostgresTime("09:30:00")
    let month = PostgresInterval(months: 1)
    let due = try await pool.all("SELECT name FROM bills WHERE day + \(month) < \(leap)", as: String.self)

    _ = (happy, opening, due)
  }

  // CREATE TYPE shop.address AS (street text, number integer);
  struct Address: PostgresComposite {
    static let postgresType = PostgresType(named: "shop.address")
    var street: String
    var number: Int32?

    init(from fields: inout CompositeReader) throws(PostgresError) {
      street = try fields.next()
      number = try fields.next()
    }

    func write(to fields: inout CompositeWriter) throws(PostgresError) {
      try fields.append(street)
      try fields.append(number)
    }
  }

  struct OrderID: RawRepresentable, Hashable, PostgresCodable { var rawValue: Int }

  struct Point: PostgresCodable {
    var x, y: Double
    static let postgresType = PostgresType(name: "point", oid: 600, arrayOID: 1017)

    func encode(into buffer: inout ParameterBuffer) throws(PostgresError) {
      buffer.append(x.bitPattern)
      buffer.append(y.bitPattern)
    }

    init(from cell: PostgresCell) throws(PostgresError) {
      let bytes = try cell.bytes(for: Self.self, of: 600)
      guard bytes.count == 16 else { throw cell.outOfRange(Self.self) }
      x = Double(bitPattern: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)))
      y = Double(bitPattern: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
  }
}

enum PoolTuningPage {
  struct Vault: Sendable { func token() async throws -> String { "" } }

  static func audit(_ client: some PostgresClient) async throws {}

  static func use(_ pool: PostgresPool, _ vault: Vault) async throws {
    var configuration = PostgresPool.Configuration(try ConnectOptions("postgres://localhost/app"))
    configuration.maxConnections = 20
    configuration.acquireTimeout = .seconds(2)

    print(pool.dump())

    func severalLoops() async throws {
      let loops = [try EventLoop(), try EventLoop()]
      let pool = try PostgresPool(configuration, loops: loops)
      try await pool.start()
    }

    try await pool.transaction { transaction in
      try await transaction.execute("UPDATE accounts SET balance = balance - 1")
      try await audit(transaction)  // not audit(pool)
    }

    try await pool.transaction { transaction in
      async let audit: Int = pool.execute("INSERT INTO audit DEFAULT VALUES")  // a second connection
      try await transaction.execute("UPDATE accounts SET balance = balance - 1")
      _ = try await audit
    }

    configuration.hooks.beforeConnect = { options in options["password"] = try await vault.token() }
    configuration.hooks.afterConnect = { connection in try await connection.execute("SET jit = off") }
  }
}

struct ComingFromPage {
  let pool: PostgresPool

  struct User: PostgresRow {
    var id: Int
    var email: String
  }

  func user(_ id: Int) async throws -> User? {
    try await pool.optional("SELECT id, email FROM users WHERE id = \(id)", name: "GetUser")
  }
}

enum ResourcePoolPage {
  struct Worker: Sendable {
    static func launch(onExit: @escaping @Sendable () -> Void) async throws -> Worker { Worker() }
    var isAlive: Bool { get async { true } }
    func stop() async {}
    func ask(_ question: String) async throws -> String { question }
  }

  struct Workers: ResourceFactory {
    func make(onEnd: @escaping @Sendable () -> Void) async throws -> Worker { try await Worker.launch(onExit: onEnd) }
    func check(_ worker: Worker) async -> Bool { await worker.isAlive }
    func close(_ worker: Worker) async { await worker.stop() }
  }

  static func use() async throws {
    var configuration = PoolConfiguration()
    configuration.maxSize = 8
    let pool = try ResourcePool(configuration, factory: Workers())
    try await pool.start()
    let answer = try await pool.withResource { worker in try await worker.ask("?") }

    _ = answer
  }
}
