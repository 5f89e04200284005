internal import DatabaseModule
internal import EventLoop
internal import Migrations
internal import Postgres

/// Looks at the database as the app would use it. Reads only.
struct DatabaseDoctor {
  let program: String
  let server: DatabaseServer
  let loop: EventLoop
  /// The app's pool and its number of processes.
  let pool: PostgresPool.Configuration
  let replicas: Int
  let logsParameters: Bool

  /// The oldest server that PostgreSQL's own people still mend.
  private static let oldestSupported: Int32 = 13

  func examine() async -> [Finding] {
    let start = ContinuousClock.now
    let connection: PostgresConnection
    do {
      connection = try await PostgresConnection.connect(server.options, loop: loop)
    } catch {
      return [.failure("connection", "\(error)", remedy(for: error))]
    }
    let took = Int((ContinuousClock.now - start) / .milliseconds(1))
    let kind = server.isEmbedded ? "the private server" : "\(server.options)"
    var findings = [Finding.ok("connection", "\(kind), connected in \(took) ms")]
    findings.append(version(connection.serverVersion))
    for check in [writable, capacity, privacy] {
      do {
        findings += try await check(connection)
      } catch {
        findings.append(.failure("connection", "\(error)", "see the server's log for what it did at this moment"))
      }
    }
    await connection.close()
    return findings
  }

  private func remedy(for error: any Error) -> String {
    switch (error as? PostgresError)?.sqlState?.rawValue {
    case "28P01"?, "28000"?: "check user and password in database.url, and pg_hba.conf on the server"
    case "3D000"?: "create the database, or name another one in database.url"
    case "53300"?: "the server has no connection left: lower database.max_conns of its clients or raise max_connections"
    case "57P03"?: "wait until the server has started"
    default: "check host and port in database.url, and that the server runs and lets this machine in"
    }
  }

  private func version(_ number: Int32) -> Finding {
    let (major, minor) = (number / 10_000, number % 10_000)
    guard major >= Self.oldestSupported else {
      return .warning(
        "version", "PostgreSQL \(major).\(minor) gets no fixes any more", "upgrade to a supported major version")
    }
    return .ok("version", "PostgreSQL \(major).\(minor)")
  }

  private func writable(_ connection: PostgresConnection) async throws -> [Finding] {
    let (isStandby, isReadOnly) = try await connection.one(
      "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'", as: (Bool, Bool).self)
    if isStandby {
      return [
        .failure(
          "writable", "the server is a standby, which takes no writes",
          "name the primary in database.url, or all servers with target_session_attrs=read-write")
      ]
    }
    if isReadOnly {
      return [
        .failure(
          "writable", "transactions are read-only by default",
          "look for default_transaction_read_only in the role's, the database's and the server's settings")
      ]
    }
    return [.ok("writable", "transactions may write")]
  }

  /// Whether all processes together fit into what the server has.
  private func capacity(_ connection: PostgresConnection) async throws -> [Finding] {
    let (most, reserved, others) = try await connection.one(
      """
      SELECT current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int,
        (SELECT count(*)::int FROM pg_stat_activity
          WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
            AND coalesce(application_name, '') <> current_setting('application_name'))
      """, as: (Int, Int, Int).self)
    return [Self.weigh(size: pool.effectiveMaxConnections, replicas: replicas, most: most, reserved: reserved, others)]
  }

  /// The sum that breaks first when an app is scaled out. A migration takes one more connection beside the pool.
  static func weigh(size: Int, replicas: Int, most: Int, reserved: Int, _ others: Int) -> Finding {
    let (wanted, free) = (size * replicas + 1, most - reserved)
    let sum =
      "\(size.counted("connection")) × \(replicas.counted("process", "processes")) + 1 to migrate = \(wanted) of \(free)"
    if wanted > free {
      let each = max(1, (free - 1) / replicas)
      return .failure(
        "capacity", "\(sum): more than the server has",
        "set database.max_conns to \(each) or less, raise the server's max_connections, or put PgBouncer between")
    }
    if wanted + others > free {
      return .warning(
        "capacity", "\(sum), and other programs hold \(others) now: not enough for all",
        "set database.max_conns to \(max(1, (free - others - 1) / replicas)) or less, or raise max_connections")
    }
    return .ok("capacity", "\(sum); other programs hold \(others) now")
  }

  private func privacy(_ connection: PostgresConnection) async throws -> [Finding] {
    let (isRemote, isEncrypted) = try await connection.one(
      """
      SELECT coalesce(host(inet_client_addr()) NOT IN ('127.0.0.1', '::1'), false),
        coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)
      """, as: (Bool, Bool).self)
    guard isRemote else { return [] }
    var findings: [Finding] = []
    if !isEncrypted {
      findings.append(
        .warning(
          "privacy", "the connection to another machine is not encrypted",
          "add sslmode=verify-full and sslrootcert=… to database.url"))
    }
    if logsParameters {
      findings.append(
        .warning(
          "privacy", "slow queries are logged with their parameters, and the server is on another machine",
          "if those may be personal data, set database.log_parameters to fingerprint or none"))
    }
    return findings
  }

  /// What the record of migrations says.
  func schema(_ migrator: Migrator) async -> [Finding] {
    guard !migrator.sets.isEmpty else { return [] }
    do {
      let status = try await migrator.status()
      if status.isDirty {
        return [
          .failure(
            "schema", "a migration stopped half way at version \(status.version)",
            "\(program) migrate status names it; then \(program) migrate resume, or mend it and migrate force")
        ]
      }
      let differences = try await migrator.verify()
      if let first = differences.first {
        return [
          .failure(
            "schema", first.message + (differences.count > 1 ? " (and \(differences.count - 1) more)" : ""),
            "\(program) migrate verify lists all of it")
        ]
      }
      guard status.pendingCount > 0 else {
        return [.ok("schema", "version \(status.version), nothing pending")]
      }
      return [
        .warning(
          "schema", "version \(status.version) of \(status.latestVersion), \(status.pendingCount) pending",
          "\(program) migrate up, or let serve do it (database.migrate_on_start)")
      ]
    } catch {
      return [.failure("schema", "\(error)", "\(program) migrate status")]
    }
  }
}
