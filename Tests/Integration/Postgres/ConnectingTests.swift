import EventLoop
import FoundationEssentials
import Postgres
import ResourcePool
import Testing

/// Ways to connect, each to a real server that asks for them.
// Not behind a pooler: TLS, passwords and standbys of servers of its own.
@Suite struct ConnectingTests {
  private func error(_ text: String, _ loop: EventLoop) async throws -> PostgresError? {
    let options = try ConnectOptions(text)
    return await #expect(throws: PostgresError.self) { _ = try await PostgresConnection.connect(options, loop: loop) }
  }

  private func connects(_ text: String, _ loop: EventLoop) async throws -> Bool {
    let connection = try await PostgresConnection.connect(ConnectOptions(text), loop: loop)
    let isEncrypted: Bool = try await connection.one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    await connection.close()
    return isEncrypted
  }

  @Test func `TLS in every mode, SCRAM passwords, a password file: right ones are let in, wrong ones told why`()
    async throws
  {
    let loop = try EventLoop()
    try await withTemporaryFolder { folder in
      let log = "\(folder)/tools.log"
      let openssl = "/usr/bin/openssl"
      let data = "\(folder)/data"
      try await Cluster.initialise(data, log: log)
      // An authority, a server's certificate by it, and an authority that nobody knows.
      for authority in ["ca", "other"] {
        try await Subprocess.run(
          [
            openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=\(authority)",
            "-keyout", "\(folder)/\(authority).key", "-out", "\(folder)/\(authority).crt",
          ], log: log)
      }
      try await Subprocess.run(
        [
          openssl, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "\(data)/server.key",
          "-out", "\(folder)/server.csr",
        ], log: log)
      try await Subprocess.run(
        [
          openssl, "x509", "-req", "-in", "\(folder)/server.csr", "-CA", "\(folder)/ca.crt", "-CAkey",
          "\(folder)/ca.key", "-set_serial", "1", "-days", "2", "-out", "\(data)/server.crt",
        ], log: log)
      try write(
        """
        local all keel trust
        hostssl all ada 127.0.0.1/32 scram-sha-256
        """, to: "\(data)/pg_hba.conf")
      let server = try await Cluster.start(
        data, sockets: folder, settings: ["ssl": "on", "ssl_ca_file": "\(folder)/ca.crt"], tcp: true)
      let admin = try await PostgresConnection.connect(server.options(), loop: loop)
      try await admin.script("CREATE ROLE ada LOGIN PASSWORD 'right'")
      await admin.close()

      let base = "host=localhost hostaddr=127.0.0.1 port=\(server.port) dbname=postgres user=ada"
      let right = "\(base) password=right"
      #expect(try await connects("\(right) sslmode=require", loop))
      #expect(try await connects("\(right) sslmode=verify-ca sslrootcert=\(folder)/ca.crt", loop))
      #expect(try await connects("\(right) sslmode=verify-full sslrootcert=\(folder)/ca.crt", loop))
      #expect(try await connects("\(right) sslmode=prefer channel_binding=require", loop))

      let unknown = try await error("\(right) sslmode=verify-ca sslrootcert=\(folder)/other.crt", loop)
      #expect(unknown?.message.contains("certificate verify failed") == true)
      #expect(unknown?.hint?.contains("has expired") == true)
      #expect(unknown?.hint?.hasSuffix("none of the authorities in \(folder)/other.crt") == true)
      let name = right.replacing("host=localhost", with: "host=db.example")
      let wrongName = try await error("\(name) sslmode=verify-full sslrootcert=\(folder)/ca.crt", loop)
      #expect(wrongName?.message.contains("does not match host name") == true)
      let plain = try await error("\(right) sslmode=disable", loop)
      #expect(plain?.sqlState == .invalidAuthorizationSpecification)
      let wrong = try await error("\(base) password=hunter2 sslmode=require", loop)
      #expect(wrong?.sqlState == .invalidPassword)
      #expect(wrong?.debugDescription.contains("hunter2") == false)

      let wrongInBothWays = try await error("\(base) password=hunter2 sslmode=prefer", loop)
      #expect(wrongInBothWays?.sqlState == .invalidPassword)

      let foreign = try await error("\(right) sslcert=\(folder)/other.crt sslkey=\(folder)/other.key", loop)
      #expect(foreign?.message.contains("unknown ca") == true)
      #expect(foreign?.hint?.hasSuffix("take the client's certificate, \(folder)/other.crt") == true)

      try write("localhost:\(server.port):*:ada:right\n", to: "\(folder)/passwords", mode: 0o600)
      #expect(try await connects("\(base) sslmode=require passfile=\(folder)/passwords", loop))
      try await server.stop()
    }
    await loop.stop()
  }

  @Test func `when the primary dies and its standby is promoted, writes go there by themselves`() async throws {
    let loop = try EventLoop()
    try await withTemporaryFolder { folder in
      try await withTemporaryFolder { other in
        let log = "\(folder)/tools.log"
        try await Cluster.initialise("\(folder)/data", log: log)
        try write("local all all trust\nlocal replication all trust\n", to: "\(folder)/data/pg_hba.conf")
        let primary = try await Cluster.start(
          "\(folder)/data", sockets: folder, settings: ["wal_level": "replica", "max_wal_senders": "4"])
        try await Subprocess.run(
          [
            try await Cluster.tool("pg_basebackup"), "-h", folder, "-p", "\(primary.port)", "-U", "keel", "-D",
            "\(other)/data", "-R", "-c", "fast", "-X", "stream",
          ], log: log)
        let standby = try await Cluster.start("\(other)/data", sockets: other)

        let hosts = "host=\(other),\(folder) port=\(standby.port),\(primary.port) dbname=postgres user=keel"
        var configuration = PostgresPool.Configuration(
          try ConnectOptions("\(hosts) target_session_attrs=read-write"))
        configuration.maxConnections = 3
        configuration.acquireTimeout = .seconds(1)
        let pool = try PostgresPool(configuration, loop: loop)
        try await pool.start()
        try await pool.execute("CREATE TABLE t (n int)")
        try await pool.execute("INSERT INTO t VALUES (1)")

        var readOnly = PostgresPool.Configuration(try ConnectOptions("\(hosts) target_session_attrs=prefer-standby"))
        readOnly.maxConnections = 1
        let replica = try PostgresPool(readOnly, loop: loop)
        try await replica.start()
        let isStandby: Bool = try await replica.one("SELECT pg_is_in_recovery()")
        #expect(isStandby)
        try await until { (try? await replica.one("SELECT count(*) FROM t", as: Int.self)) == 1 }

        try await primary.stop()
        try await replica.execute("SELECT pg_promote()")
        let start = ContinuousClock.now
        try await until { (try? await pool.execute("INSERT INTO t VALUES (2)")) == 1 }
        #expect(ContinuousClock.now - start < configuration.healthCheckPeriod)
        let count: Int = try await pool.one("SELECT count(*) FROM t")
        #expect(count == 2)
        await replica.close()
        await pool.close()
        try await standby.stop()
      }
    }
    await loop.stop()
  }
}
