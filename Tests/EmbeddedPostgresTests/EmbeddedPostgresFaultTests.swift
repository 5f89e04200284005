import StructuredLogging
import Testing

@testable import EmbeddedPostgres

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite(.sharedTemplate) struct EmbeddedPostgresFaultTests {
  @Test func `a killed server is reported, and a restart brings the data back under the same address`() async throws {
    try await TestFolder.with { folder in
      var options = EmbeddedPostgres.Options.kept(folder("postgres"))
      options.settings = ["fsync": "on", "synchronous_commit": "on"]
      let log = RecordingLogOutput()
      options.logger = Logger(label: "test", output: log)
      try await EmbeddedPostgres.with(options) { server in
        let address = server.connectionString
        for round in 1...3 {
          _ = server.query("CREATE TABLE round_\(round) AS SELECT 1")
          kill(try #require(server.processID), SIGKILL)
          let exit = try #require(await server.waitForExit())
          #expect(exit.reason == .killed(signal: SIGKILL))
          #expect(!exit.isExpected)
          #expect(server.processID == nil)

          try await server.restart()
          #expect(server.connectionString == address)
          #expect(server.query("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'round%'") == "\(round)")
        }
      }
      let errors = log.entries.filter { $0.level == .error }
      #expect(errors.count == 3)
      #expect(errors.allSatisfy { $0.metadata["reason"]?.description == "signal 9" })
    }
  }

  @Test func `a backend that outlives its killed server is ended before the restart`() async throws {
    try await EmbeddedPostgres.with(.test) { server in
      // Computes for ever and looks at nothing: by itself it would not notice.
      let arguments = [
        server.installation.program("psql"), "-Xqd", server.connectionString, "-c",
        "DO $$ BEGIN LOOP END LOOP; END $$",
      ]
      let null = open("/dev/null", O_RDWR | O_CLOEXEC)
      defer { close(null) }
      let client = try ChildProcess.start(arguments, input: null, output: null).get()
      func busy() -> String {
        server.query("SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO%'")
      }
      try await eventually("the loop runs") { !busy().isEmpty }
      let backend = try #require(pid_t(busy()))

      kill(try #require(server.processID), SIGKILL)
      _ = await server.waitForExit()
      #expect(isAlive(backend))
      try await server.restart()
      #expect(server.query("SELECT 1") == "1")
      try await eventually("the backend is gone") { !isAlive(backend) }
      #expect(client.waitForExit(until: .after(.seconds(10))))
    }
  }

  @Test func `a restart with a socket elsewhere keeps its address too`() async throws {
    try await TestFolder.with { folder in
      let long = folder(String(repeating: "long-", count: 30))
      try await EmbeddedPostgres.with(.kept(long)) { server in
        kill(try #require(server.processID), SIGKILL)
        _ = await server.waitForExit()
        try await server.restart()
        #expect(server.query("SELECT 1") == "1")
      }
    }
  }

  @Test func `a server whose folder was taken away does not restart on that of its successor`() async throws {
    try await TestFolder.with { folder in
      try await EmbeddedPostgres.with(.kept(folder("postgres"))) { first in
        try #require(rename(folder("postgres"), folder("aside")) == 0)
        try await EmbeddedPostgres.with(.kept(folder("postgres"))) { second in
          let process = second.processID
          let error = await #expect(throws: EmbeddedPostgresError.self) { try await first.restart() }
          #expect(error?.code == .notACluster)
          #expect(error?.message.contains("\(folder("postgres")) was removed or replaced") == true)
          #expect(second.processID == process)
          #expect(second.query("SELECT 1") == "1")
        }
        // Back in its place it is ours again.
        _ = Tool.run(command: ["/bin/rm", "-rf", "--", folder("postgres")])
        let error = await #expect(throws: EmbeddedPostgresError.self) { try await first.restart() }
        #expect(error?.code == .notACluster)
        try #require(rename(folder("aside"), folder("postgres")) == 0)
        try await first.restart()
        #expect(first.query("SELECT 1") == "1")
      }
    }
  }

  @Test func `stopping is an expected end, and a cancelled wait comes back with nothing`() async throws {
    let server = try await EmbeddedPostgres.start(.test)
    let cancelled = Task { await server.waitForExit() }
    cancelled.cancel()
    #expect(await cancelled.value == nil)

    async let exit = server.waitForExit()
    await server.stop()
    #expect(try #require(await exit).isExpected)
    #expect(try #require(await server.waitForExit()).reason == .exited(code: 0))
  }

  @Test func `a last checkpoint that fails is told with the server's reason, and nothing is lost`() async throws {
    try await TestFolder.with { folder in
      var options = EmbeddedPostgres.Options.kept(folder("postgres"))
      options.settings = ["synchronous_commit": "on"]
      let log = RecordingLogOutput()
      options.logger = Logger(label: "test", output: log)
      // What a disk without room does too: the server cannot note the checkpoint.
      let control = folder("postgres/data/global/pg_control")
      try await EmbeddedPostgres.with(options) { server in
        server.query("CREATE TABLE kept AS SELECT 1 AS one")
        try #require(rename(control, control + ".aside") == 0)
      }
      let warning = try #require(log.entries.first { $0.level == .warning })
      #expect(warning.metadata["folder"]?.description == folder("postgres"))
      #expect(warning.metadata["reason"]?.description == "exit code 1")
      #expect(warning.metadata["log"]?.description.contains("pg_control\": No such file or directory") == true)

      try #require(rename(control + ".aside", control) == 0)
      try await EmbeddedPostgres.with(options) { #expect($0.query("SELECT one FROM kept") == "1") }
      #expect(log.entries.count { $0.level >= .warning } == 1)
    }
  }

  @Test func `a server that is forgotten goes by itself`() async throws {
    var server: EmbeddedPostgres? = try await EmbeddedPostgres.start(.test)
    let process = try #require(server?.processID)
    let folder = try #require(server?.dataDirectory)
    server = nil
    try await eventually("the server ends") { !isAlive(process) }
    try await eventually("its folder goes") { !FileSystem.exists(folder) }
  }

  @Test func `a process file that names a stranger does not keep the server from starting`() async throws {
    try await TestFolder.with { folder in
      let options = EmbeddedPostgres.Options.kept(folder("postgres"))
      try await EmbeddedPostgres.with(options) { server in
        // What a crash leaves, except that the process id has meanwhile become ours.
        let path = folder("postgres/data/postmaster.pid")
        let text = try #require(FileSystem.contents(path))
        kill(try #require(server.processID), SIGKILL)
        _ = await server.waitForExit()
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        let lines = "\(getpid())\n" + text.split(separator: "\n").dropFirst().joined(separator: "\n")
        #expect(write(file, lines, lines.utf8.count) == lines.utf8.count)
        close(file)
        chown(path, try #require(FileSystem.status(folder("postgres/data"))).owner, gid_t.max)

        try await server.restart()
        #expect(server.query("SELECT 1") == "1")
      }
    }
  }

  #if canImport(Glibc)
    @Test func `a lock that is let go is free, though a child that was just forked has its file still`() async throws {
      try await TestFolder.with { path in
        let folder = ServerFolder(path: path.path)
        var lock: FolderLock? = try FolderLock.acquire(folder)
        let file = try #require(
          FileSystem.entries("/proc/self/fd").compactMap { Int32($0) }
            .first { FileSystem.realPath("/proc/self/fd/\($0)") == folder.lock })
        // What a fork gives to a child, until that runs its program.
        let inherited = fcntl(file, F_DUPFD_CLOEXEC, 0)
        defer { close(inherited) }
        try #require(inherited >= 0 && lock?.isStill(at: folder.lock) == true)
        lock = nil
        _ = try FolderLock.acquire(folder)
      }
    }

    @Test func `the shared memory of a temporary server that was killed goes with it`() async throws {
      let server = try await EmbeddedPostgres.start(.test)
      let file = try #require(ProcessFile.read(ServerFolder(path: server.dataDirectory)))
      let memory = try #require(file.sharedMemory)
      kill(try #require(server.processID), SIGKILL)
      _ = await server.waitForExit()
      await server.stop()
      var block = shmid_ds()
      // The number may be another's by now.
      #expect(shmctl(memory.id, IPC_STAT, &block) != 0 || block.shm_perm.__key != memory.key)
    }

    @Test func `shared memory that somebody else has by that number stays`() throws {
      let key = Int32(truncatingIfNeeded: getpid()) &* 7919
      let id = shmget(key, 64, IPC_CREAT | IPC_EXCL | 0o600)
      try #require(id >= 0)
      defer { shmctl(id, IPC_RMID, nil) }
      func file(key: Int32) throws -> ProcessFile {
        try #require(ProcessFile("1\n/data\n1\n5432\n/socket\n\n  \(UInt64(truncatingIfNeeded: key)) \(id)\nready\n"))
      }
      var block = shmid_ds()
      SharedMemory.remove(notedIn: try file(key: key &+ 1))
      #expect(shmctl(id, IPC_STAT, &block) == 0)
      SharedMemory.remove(notedIn: try file(key: key))
      #expect(shmctl(id, IPC_STAT, &block) != 0)
    }
  #endif

  @Test func `an overlong log is set aside under a server that runs, which writes on`() async throws {
    try await TestFolder.with { folder in
      try await EmbeddedPostgres.with(.kept(folder("postgres"))) { server in
        let previous = server.logFile + ".1"
        await server.trimLog()
        #expect(!FileSystem.exists(previous))

        let file = open(server.logFile, O_WRONLY | O_APPEND)
        let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        for _ in 0...16 { #expect(write(file, chunk, chunk.count) == chunk.count) }
        close(file)
        await server.trimLog()
        #expect(FileSystem.size(previous) > 16 << 20)
        server.query("DO $$ BEGIN RAISE LOG 'after the trim'; END $$")
        let log = try #require(FileSystem.contents(server.logFile))
        #expect(log.contains("after the trim") && !log.contains("x\0") && log.utf8.count < 1 << 20)

        kill(try #require(server.processID), SIGKILL)
        #expect(await server.waitForExit()?.log.contains("after the trim") == true)
      }
    }
  }

  @Test func `when the program is killed the server goes, and the next start has the data`() async throws {
    try await TestFolder.with { folder in
      let holder = try Holder(folder("postgres"))
      let server = try holder.awaitServer()

      let refused = try Holder(folder("postgres"))
      #expect(refused.firstLine?.contains("is in use: process \(holder.processID)") == true)

      holder.kill(SIGKILL)
      try await eventually("the server notices") { !isAlive(server.process) }
      try await EmbeddedPostgres.with(.kept(folder("postgres"))) { #expect($0.query("SELECT 1") == "1") }
    }
  }

  @Test func `the socket's folder of a server that went with its killed program goes at the next start`() async throws {
    try await TestFolder.with { folder in
      let long = folder(String(repeating: "long-", count: 30))
      let holder = try Holder(long)
      let server = try holder.awaitServer()
      let socket = try #require(ProcessFile.read(ServerFolder(path: server.folder))?.socketDirectory)
      try #require(socket.hasPrefix("/tmp/keel-socket-"))
      holder.kill(SIGKILL)
      try await eventually("the server goes") { !isAlive(server.process) }
      try await EmbeddedPostgres.with(.kept(long)) { #expect($0.query("SELECT 1") == "1") }
      #expect(!FileSystem.exists(socket))
    }
  }

  @Test func `a server that outlived its program is stopped by the next start`() async throws {
    try await TestFolder.with { folder in
      let options = EmbeddedPostgres.Options.kept(folder("postgres"))
      let first = try await EmbeddedPostgres.start(options)
      let installation = first.installation
      let socket = first.socketDirectory
      await first.stop()

      // An orphan as pdeathsig normally prevents it: nobody holds the lock, the server runs.
      let user = try ServerUser.resolve(dropRootTo: "postgres")
      let null = open("/dev/null", O_RDWR | O_CLOEXEC)
      defer { close(null) }
      let orphan = try ChildProcess.start(
        user.command([installation.program("postgres"), "-D", folder("postgres/data"), "-k", socket, "-h", ""]),
        input: null, output: null
      ).get()
      try await eventually("the orphan is ready") {
        ProcessFile.read(ServerFolder(path: folder("postgres")))?.isReady == true
      }
      try await EmbeddedPostgres.with(options) { server in
        #expect(orphan.exit == .exited(code: 0))
        #expect(server.query("SELECT 1") == "1")
      }
    }
  }

  @Test func `what a killed program's temporary server left, the next one sweeps away`() async throws {
    let holder = try Holder("--temporary")
    let server = try holder.awaitServer()
    #expect(FileSystem.exists(server.folder))
    holder.kill(SIGKILL)
    try await eventually("the next start sweeps") {
      guard let user = try? ServerUser.resolve(dropRootTo: "postgres"), let made = try? TemporaryFolder.make(user: user)
      else { return false }
      TemporaryFolder.remove(made.0, user: user)
      return !FileSystem.exists(server.folder)
    }
    try await eventually("the server is reaped") { !isAlive(server.process) }
  }

  @Test func `a temporary folder goes from where only we may write, and not its user`() async throws {
    let user = try ServerUser.resolve(dropRootTo: "postgres")
    try await TestFolder.with { folder in
      let made = ServerFolder(path: folder("keel-postgres-x"))
      mkdir(made.path, 0o700)
      chown(made.path, user.id, user.group)
      TemporaryFolder.remove(made, user: user)
      #expect(!FileSystem.exists(made.path))
    }
  }

  @Test(arguments: ["/tmp", "/dev/shm"])
  func `what a killed program left is swept away wherever temporary servers may have been`(place: String) async throws {
    let user = try ServerUser.resolve(dropRootTo: "postgres")
    let left = ServerFolder(path: try #require(FileSystem.makeUniqueDirectory(prefix: place + "/keel-postgres-")))
    chown(left.path, user.id, user.group)
    let lock = FileSystem.openOwn(left.lock, O_RDWR)
    try #require(lock >= 0)
    close(lock)
    let (folder, _) = try TemporaryFolder.make(user: user)
    TemporaryFolder.remove(folder, user: user)
    // Another test's start may be at it.
    try await eventually("it goes") { !FileSystem.exists(left.path) }
  }
}

/// Another program that holds a server: `embedded-postgres-holder`, built beside the tests.
private final class Holder: Sendable {
  private let child: ChildProcess
  private let output: Int32

  init(_ argument: String) throws {
    let folder = FileSystem.parent(try #require(FileSystem.linkTarget("/proc/self/exe")))
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer {
      close(null)
      close(ends[1])
    }
    output = ends[0]
    child = try ChildProcess.start([folder + "/embedded-postgres-holder", argument], input: null, output: ends[1]).get()
  }

  deinit {
    child.signal(SIGKILL)
    close(output)
  }

  var processID: pid_t { child.processID ?? -1 }

  func kill(_ signal: Int32) { child.signal(signal) }

  /// Its first line: "ready …" or an error.
  var firstLine: String? {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while read(output, &byte, 1) == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
    return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
  }

  func awaitServer() throws -> (process: pid_t, folder: String) {
    let line = try #require(firstLine)
    let words = line.split(separator: " ")
    try #require(words.count == 3 && words[0] == "ready", "\(line)")
    return (try #require(pid_t(words[1])), String(words[2]))
  }
}
