import DatabaseTesting
import FoundationEssentials
import Glibc
import Postgres
import Synchronization
import Testing

/// A PgBouncer in transaction mode before the server that the tests share: every transaction may be run by another of
/// the server's sessions.
struct PgBouncer: Sendable {
  let folder: String
  private let process: Subprocess

  private static let folders = Mutex<[String]>([])

  static let shared = Task { try await start() }

  private static func start() async throws -> PgBouncer {
    let folder = try makeTemporaryFolder()
    folders.withLock { $0.append(folder) }
    atexit { for folder in PgBouncer.folders.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: folder) } }
    let server = try await TestDatabase.with { $0.options }
    try write(
      """
      [databases]
      * = host=\(server["host"] ?? "") port=\(server["port"] ?? "5432") user=keel
      [pgbouncer]
      pool_mode = transaction
      auth_type = any
      listen_addr =
      listen_port = 6432
      unix_socket_dir = \(folder)
      logfile = \(folder)/pgbouncer.log
      pidfile =
      max_client_conn = 500
      default_pool_size = 4
      server_idle_timeout = 5
      ignore_startup_parameters = extra_float_digits
      """, to: "\(folder)/pgbouncer.ini")
    let process = try Subprocess(["/usr/sbin/pgbouncer", "-q", "\(folder)/pgbouncer.ini"], log: "\(folder)/output")
    try await until { access("\(folder)/.s.PGSQL.6432", F_OK) == 0 }
    return PgBouncer(folder: folder, process: process)
  }

  func redirect(_ options: inout ConnectOptions) {
    options["host"] = folder
    options["port"] = "6432"
    options.statementCacheMode = .describe
  }
}
