import Testing

@testable import EmbeddedPostgres

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite(.sharedTemplate) struct EmbeddedPostgresTests {
  @Test func `a temporary server answers, and stopping it leaves neither folder nor process`() async throws {
    let server = try await EmbeddedPostgres.start(.test)
    let process = try #require(server.processID)
    #expect(server.query("SELECT current_database() || ' ' || current_user") == "app keel")
    #expect(server.query("SHOW fsync") == "off")
    #expect(FileSystem.exists(server.dataDirectory))

    await server.stop()
    #expect(!FileSystem.exists(server.dataDirectory))
    #expect(!isAlive(process))
    #expect(server.processID == nil)
  }

  @Test func `a new cluster is in UTF-8, compares bytewise and knows Unicode letters`() async throws {
    try await EmbeddedPostgres.with(.test) { server in
      #expect(server.query("SHOW server_encoding") == "UTF8")
      #expect(server.query("SELECT 'B' COLLATE \"default\" < 'a'") == "t")
      #expect(server.query("SELECT lower('ÄÖ')") == "äö")
      #expect(server.query("SHOW timezone") == "UTC")
    }
  }

  @Test func `data outlive the server`() async throws {
    try await TestFolder.with { folder in
      let options = EmbeddedPostgres.Options.kept(folder("deep/er/postgres"))
      try await EmbeddedPostgres.with(options) { server in
        _ = server.query("CREATE TABLE kept AS SELECT 42 AS answer")
      }
      try await EmbeddedPostgres.with(options) { server in
        #expect(server.query("SELECT answer FROM kept") == "42")
      }
    }
  }

  @Test func `data that are kept are flushed to disk by default`() async throws {
    try await TestFolder.with { folder in
      // Without a template: this is also how a first run looks.
      try await EmbeddedPostgres.with(.init(dataDirectory: folder("postgres"))) { server in
        #expect(server.query("SELECT current_setting('fsync') || current_setting('synchronous_commit')") == "onon")
      }
    }
  }

  @Test(arguments: [false, true])
  func `a new cluster is flushed to disk unless it is to throw away`(isThrowaway: Bool) async throws {
    try await TestFolder.with { folder in
      // An initdb that says what it was asked and does nothing; written by a process of its own, as a child that is
      // started just then may inherit a file that this one has open for writing.
      let script = #"""
        for program in postgres initdb psql; do
          printf '#!/bin/sh\n[ "$1" = --version ] && exec echo "%s (PostgreSQL) 15.1"\necho "$@"\nexit 1\n' $program \
            > "$1/$program" && chmod 755 "$1/$program"
        done
        """#
      mkdir(folder("bin"), 0o755)
      _ = Tool.run(command: ["/bin/sh", "-c", script, "sh", folder("bin")])
      var options = EmbeddedPostgres.Options(dataDirectory: folder("postgres"))
      options.binDirectory = folder("bin")
      options.isThrowaway = isThrowaway
      do throws(EmbeddedPostgresError) {
        try await EmbeddedPostgres.start(options).stop()
        Issue.record("the server started")
      } catch {
        #expect(error.code == .initializationFailed)
        #expect(error.log?.contains("--username=keel") == true)
        #expect(error.log?.contains("--no-sync") == isThrowaway)
      }
    }
  }

  @Test func `nothing listens on TCP`() async throws {
    try await EmbeddedPostgres.with(.test) { server in
      #expect(server.query("SHOW listen_addresses") == "")
      let status = try #require(FileSystem.status(server.socketDirectory))
      #expect(status.permissions == 0o700)
    }
  }

  @Test func `children block and ignore no signal, whatever we do`() throws {
    var blocked = sigset_t()
    var before = sigset_t()
    sigemptyset(&blocked)
    sigaddset(&blocked, SIGTERM)
    pthread_sigmask(SIG_BLOCK, &blocked, &before)
    let disposition = signal(SIGWINCH, SIG_IGN)
    defer {
      pthread_sigmask(SIG_SETMASK, &before, nil)
      signal(SIGWINCH, disposition)
    }
    let outcome = try Tool.run(command: ["/bin/grep", "^Sig[BI]", "/proc/self/status"]).get()
    let masks = outcome.output.split(separator: "\n").compactMap { UInt64($0.suffix(16), radix: 16) }
    // Signals 32 and 33 are the C library's own.
    #expect(masks.map { $0 & 0x7fff_ffff } == [0, 0])
  }

  @Test func `the server has its own session and no descriptor of ours`() async throws {
    try await EmbeddedPostgres.with(.test) { server in
      let process = try #require(server.processID)
      #expect(getsid(process) == process)
      let descriptors = FileSystem.entries("/proc/\(process)/fd").compactMap {
        FileSystem.linkTarget("/proc/\(process)/fd/\($0)")
      }
      #expect(!descriptors.contains { $0.hasSuffix("/lock") })
    }
  }

  @Test func `root's server runs as postgres, anybody else's as themselves`() async throws {
    try await EmbeddedPostgres.with(.test) { server in
      let process = try #require(server.processID)
      let owner = try #require(FileSystem.status("/proc/\(process)")).owner
      let expected = geteuid() == 0 ? try #require(getpwnam("postgres")).pointee.pw_uid : geteuid()
      #expect(owner == expected)
    }
  }

  @Test(arguments: ["timezone", "TimeZone"])
  func `settings of the user win however they are spelled, and arrive whole`(timeZone: String) async throws {
    var options = EmbeddedPostgres.Options.test
    options.settings = ["work_mem": "7MB", "log_line_prefix": "it's, \"quoted\" ", timeZone: "Europe/Rome"]
    try await EmbeddedPostgres.with(options) { server in
      #expect(server.query("SHOW work_mem") == "7MB")
      #expect(server.query("SELECT '<' || current_setting('log_line_prefix') || '>'") == "<it's, \"quoted\" >")
      #expect(server.query("SHOW timezone") == "Europe/Rome")
    }
  }

  @Test func `in a folder that is open to all only the server's user may open the socket`() async throws {
    try await TestFolder.with { folder in
      mkdir(folder("postgres"), 0o755)
      try await EmbeddedPostgres.with(.kept(folder("postgres"))) { server in
        #expect(FileSystem.status(server.dataDirectory)?.permissions == 0o755)
        let socket = try #require(FileSystem.status(server.socketDirectory + "/.s.PGSQL.5432"))
        #expect(socket.permissions & 0o077 == 0)
        #expect(server.query("SELECT 1") == "1")
      }
    }
  }

  @Test(arguments: [
    "PGHOSTADDR=127.0.0.1", "PGCHANNELBINDING=require", "PGTARGETSESSIONATTRS=standby", "PGGSSENCMODE=require",
    "PGHOST=elsewhere", "PGUSER=nobody", "PGDATABASE=none", "PGPORT=1", "PGSSLMODE=verify-full",
  ])
  func `the connection string holds whatever libpq finds in the environment`(variable: String) async throws {
    try await EmbeddedPostgres.with(.test) { server in
      let psql = server.installation.program("psql")
      let address = EmbeddedPostgres.withoutEnvironment(server.connectionString)
      let outcome = try Tool.run(command: ["/usr/bin/env", variable, psql, "-XAtqw", "-d", address, "-c", "SELECT 1"])
        .get()
      #expect(outcome.output == "1\n")
    }
  }

  @Test func `a temporary server has its shared memory in its folder, with which it goes however it ends`() async throws
  {
    try await EmbeddedPostgres.with(.test) { server in
      #expect(server.query("SHOW dynamic_shared_memory_type") == "mmap")
      #expect(!FileSystem.entries(server.dataDirectory + "/data/pg_dynshmem").isEmpty)
    }
  }

  @Test func `the empty folder of a new disk is one to use`() async throws {
    try await TestFolder.with { folder in
      for path in ["postgres", "postgres/lost+found"] { mkdir(folder(path), 0o700) }
      try await EmbeddedPostgres.with(.kept(folder("postgres"))) { #expect($0.query("SELECT 1") == "1") }
    }
  }

  @Test func `a folder with spaces, quotes and commas works`() async throws {
    try await TestFolder.with { folder in
      try await EmbeddedPostgres.with(.kept(folder("it's a \"data\", \"\u{301}'\u{301}folder"))) { server in
        #expect(server.query("SELECT 1") == "1")
      }
    }
  }

  @Test func `a path too long for a socket gets a short one, gone after the stop`() async throws {
    try await TestFolder.with { folder in
      let long = folder(String(repeating: "long-", count: 30))
      let server = try await EmbeddedPostgres.start(.kept(long))
      #expect(server.socketDirectory.hasPrefix("/tmp/keel-socket-"))
      #expect(server.query("SELECT 1") == "1")
      await server.stop()
      #expect(!FileSystem.exists(server.socketDirectory))
      #expect(!FileSystem.entries(long).contains("socket"))
    }
  }

  @Test func `databases are created, copied and dropped`() async throws {
    var options = EmbeddedPostgres.Options.test
    options.databaseName = "Odd \"name\" \"\u{301}'\u{301}"
    try await EmbeddedPostgres.with(options) { server in
      server.query("CREATE TABLE copied AS SELECT 1 AS one")
      try await server.createDatabase("copy", template: options.databaseName)
      #expect(server.query("SELECT one FROM copied", database: "copy") == "1")
      try await server.dropDatabase("copy")
      try await server.dropDatabase("copy")
      let error = await #expect(throws: EmbeddedPostgresError.self) {
        try await server.createDatabase("x", template: "missing")
      }
      #expect(error?.code == .statementFailed)
      #expect(error?.description.contains("missing") == true)
    }
  }

  @Test func `a template is made once and copied`() async throws {
    try await TestFolder.with { folder in
      var options = EmbeddedPostgres.Options.test
      options.template = TemplateCluster(directory: folder("templates"))
      let identifiers = try await withThrowingTaskGroup(of: String.self) { [options] group in
        for _ in 1...3 {
          group.addTask {
            try await EmbeddedPostgres.with(options) { server in
              server.query("SELECT system_identifier FROM pg_control_system()")
            }
          }
        }
        return try await group.reduce(into: Set()) { $0.insert($1) }
      }
      #expect(identifiers.count == 1)
    }
  }

  @Test func `a template of which a part is gone is made again`() async throws {
    try await TestFolder.with { folder in
      var options = EmbeddedPostgres.Options.test
      options.template = TemplateCluster(directory: folder("templates"))
      try await EmbeddedPostgres.with(options) { #expect($0.query("SELECT 1") == "1") }
      let name = try #require(FileSystem.entries(folder("templates")).first)
      unlink(folder("templates/\(name)/data/global/pg_control"))
      try await EmbeddedPostgres.with(options) { #expect($0.query("SELECT 1") == "1") }
    }
  }

  @Test func `stopping twice and at once is no error, and a stopped server does not restart`() async throws {
    let server = try await EmbeddedPostgres.start(.test)
    await withTaskGroup(of: Void.self) { group in
      for _ in 1...4 { group.addTask { await server.stop() } }
    }
    let error = await #expect(throws: EmbeddedPostgresError.self) { try await server.restart() }
    #expect(error?.code == .stopped)
  }

  @Test func `cancelling a start stops what was started`() async throws {
    try await TestFolder.with { folder in
      let task = Task { try await EmbeddedPostgres.start(.init(dataDirectory: folder("postgres"))) }
      task.cancel()
      let error = await #expect(throws: EmbeddedPostgresError.self) { try await task.value }
      #expect(error?.code == .cancelled)
      #expect(ServerFolder.unfinished(like: folder("postgres/data.unfinished")) == [])
      try await EmbeddedPostgres.with(.kept(folder("postgres"))) { server in
        #expect(server.query("SELECT 1") == "1")
      }
    }
  }
}
