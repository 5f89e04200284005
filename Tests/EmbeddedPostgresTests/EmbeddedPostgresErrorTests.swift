import Testing

@testable import EmbeddedPostgres

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite(.sharedTemplate) struct EmbeddedPostgresErrorTests {
  /// Starts what must not start, and returns why not.
  private func refusal(
    _ options: EmbeddedPostgres.Options, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> EmbeddedPostgresError {
    do throws(EmbeddedPostgresError) {
      let server = try await EmbeddedPostgres.start(options)
      await server.stop()
    } catch {
      return error
    }
    try #require(Bool(false), "the server started", sourceLocation: sourceLocation)
    throw EmbeddedPostgresError(.startFailed, "not reached")
  }

  private func write(_ text: String, to path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    try #require(file >= 0)
    defer { close(file) }
    let bytes = Array(text.utf8)
    try #require(Glibc.write(file, bytes, bytes.count) == bytes.count)
  }

  @Test func `a folder in use names the process that uses it, which is not disturbed`() async throws {
    try await TestFolder.with { folder in
      try await EmbeddedPostgres.with(.kept(folder("postgres"))) { server in
        let error = try await refusal(.kept(folder("postgres")))
        #expect(error.code == .inUse)
        #expect(error.processID == getpid())
        #expect(error.message.contains("\(folder("postgres")) is in use: process \(getpid())"))
        #expect(server.query("SELECT 1") == "1")
      }
    }
  }

  @Test func `of many starts at once on one folder exactly one wins`() async throws {
    try await TestFolder.with { folder in
      let options = EmbeddedPostgres.Options.kept(folder("postgres"))
      let outcomes = await withTaskGroup(of: Result<EmbeddedPostgres, EmbeddedPostgresError>.self) { group in
        for _ in 1...6 {
          group.addTask {
            do throws(EmbeddedPostgresError) {
              return .success(try await EmbeddedPostgres.start(options))
            } catch {
              return .failure(error)
            }
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      let servers = outcomes.compactMap { try? $0.get() }
      #expect(servers.count == 1)
      for case .failure(let error) in outcomes { #expect(error.code == .inUse) }
      for server in servers { await server.stop() }
    }
  }

  @Test func `waiting for a template that another process makes ends with the start time-out, or when cancelled`()
    async throws
  {
    try await TestFolder.with { folder in
      var options = EmbeddedPostgres.Options.test
      options.template = TemplateCluster(directory: folder("templates"))
      try await EmbeddedPostgres.with(options) { _ in }
      let name = try #require(FileSystem.entries(folder("templates")).first)
      // As it is while somebody makes it.
      let template = folder("templates/\(name)")
      try #require(rename(template + "/data", template + "/data.unfinished") == 0)
      let file = open(template + "/lock", O_RDWR | O_CLOEXEC)
      defer { close(file) }
      try #require(flock(file, LOCK_EX | LOCK_NB) == 0)

      options.startTimeout = .milliseconds(100)
      let late = try await refusal(options)
      #expect(late.code == .startTimedOut && late.message.contains(template))

      options.startTimeout = .seconds(3600)
      let start = Task { [options] in try await refusal(options) }
      start.cancel()
      #expect(try await start.value.code == .cancelled)
    }
  }

  @Test(.enabled(if: geteuid() == 0, "only root can make somebody else's folder"))
  func `a template in a folder of somebody else's is not run`() async throws {
    try await TestFolder.with { folder in
      var options = EmbeddedPostgres.Options.test
      options.template = TemplateCluster(directory: folder("templates"))
      try await EmbeddedPostgres.with(options) { _ in }
      let name = try #require(FileSystem.entries(folder("templates")).first)
      chown(folder("templates/\(name)"), 12_345, 12_345)
      let error = try await refusal(options)
      #expect(error.code == .notOwner && error.message.contains("uid 12345"))
    }
  }

  @Test(.enabled(if: geteuid() == 0, "only root's server runs as somebody else"))
  func `starts at once in a folder that the server cannot reach agree on one place`() async throws {
    try await TestFolder.with { folder in
      mkdir(folder("root"), 0o700)
      let user = try ServerUser.resolve(dropRootTo: "postgres")
      let (path, elsewhere) = (folder("root/postgres"), folder("elsewhere"))
      let places = try await withThrowingTaskGroup(of: String.self) { group in
        for _ in 1...8 {
          group.addTask {
            try await offPool { _ in
              try ServerFolder.prepare(path, user: user, relocationDirectory: elsewhere).path
            }
          }
        }
        return try await group.reduce(into: Set()) { $0.insert($1) }
      }
      #expect(places.count == 1)
      #expect(FileSystem.entries(elsewhere).count == 1)
    }
  }

  @Test func `a folder with other files in it is left as it is`() async throws {
    try await TestFolder.with { folder in
      mkdir(folder("photos"), 0o755)
      try write("", to: folder("photos/beach.jpg"))
      let error = try await refusal(.kept(folder("photos")))
      #expect(error.code == .notACluster)
      #expect(error.message.contains("beach.jpg"))
      #expect(FileSystem.entries(folder("photos")) == ["beach.jpg"])
    }
  }

  @Test func `data of something else, a plain file and a server's own folder are refused`() async throws {
    try await TestFolder.with { folder in
      try write("", to: folder("file"))
      #expect(try await refusal(.kept(folder("file"))).code == .notACluster)
      mkdir(folder("other"), 0o755)
      mkdir(folder("other/data"), 0o755)
      try write("", to: folder("other/data/precious"))
      #expect(try await refusal(.kept(folder("other"))).code == .notACluster)
      mkdir(folder("raw"), 0o755)
      try write("15\n", to: folder("raw/PG_VERSION"))
      let error = try await refusal(.kept(folder("raw")))
      #expect(error.code == .notACluster)
      #expect(error.message.contains("is itself the data directory"))
    }
  }

  @Test func `data of a version that is not installed say which to install`() async throws {
    try await TestFolder.with { folder in
      mkdir(folder("postgres"), 0o755)
      mkdir(folder("postgres/data"), 0o700)
      try write("9\n", to: folder("postgres/data/PG_VERSION"))
      let error = try await refusal(.kept(folder("postgres")))
      #expect(error.code == .versionMismatch)
      #expect(error.message.contains("holds data of PostgreSQL 9"))
      #expect(error.message.contains("apt-get install postgresql-9"))
    }
  }

  @Test func `a folder of somebody else's names both`() async throws {
    try await TestFolder.with { folder in
      var path = "/srv"  // root's, for everybody else
      if geteuid() == 0 {
        path = folder("theirs")
        mkdir(path, 0o755)
        chown(path, 1, 1)
      }
      let error = try await refusal(.kept(path))
      #expect(error.code == .notOwner)
      #expect(error.message.contains("belongs to \"\(ServerUser.name(of: geteuid() == 0 ? 1 : 0))\""))
    }
  }

  @Test(.enabled(if: geteuid() == 0, "only root's server runs as somebody else"))
  func `root's folder behind a closed door is refused by name, a new one goes elsewhere with a link`() async throws {
    try await TestFolder.with { folder in
      mkdir(folder("root"), 0o700)
      mkdir(folder("root/old"), 0o755)
      let error = try await refusal(.kept(folder("root/old")))
      #expect(error.code == .unreachable)
      #expect(error.message.contains("chmod o+x \(folder("root"))"))

      var options = EmbeddedPostgres.Options.kept(folder("root/new"))
      options.relocationDirectory = folder("elsewhere")
      for _ in 1...2 {
        try await EmbeddedPostgres.with(options) { server in
          #expect(server.dataDirectory.hasPrefix(folder("elsewhere/postgres-")))
          #expect(server.query("SELECT 1") == "1")
        }
      }
      #expect(FileSystem.realPath(folder("root/new"))?.hasPrefix(folder("elsewhere/postgres-")) == true)
      #expect(FileSystem.entries(folder("elsewhere")).count == 1)
    }
  }

  @Test func `a folder that cannot be made says where and why`() async throws {
    let error = try await refusal(.kept("/sys/keel/postgres"))
    #expect(error.code == .notWritable)
    #expect(error.message.contains("/sys/keel"))
  }

  @Test func `a full disk is noticed before initdb`() async throws {
    try await TestFolder.with { folder in
      var builder = ClusterBuilder(
        installation: try PostgresInstallation.choose(binDirectory: nil, clusterMajor: nil, folder: ""),
        user: try ServerUser.resolve(dropRootTo: "postgres"))
      builder.spaceNeeded = .max
      let error = #expect(throws: EmbeddedPostgresError.self) {
        try builder.build(
          ServerFolder(path: folder.path), from: nil, until: .never, cancellation: CancellationFlag())
      }
      #expect(error?.code == .diskFull)
      #expect(FileSystem.entries(folder.path).isEmpty)
    }
  }

  @Test func `missing programs name the package`() async throws {
    var options = EmbeddedPostgres.Options.test
    options.binDirectory = "/usr/share"
    let error = try await refusal(options)
    #expect(error.code == .binariesNotFound)
    #expect(error.message.hasPrefix("/usr/share does not hold"))
  }

  @Test func `a server that refuses to start is quoted`() async throws {
    var options = EmbeddedPostgres.Options.test
    options.settings = ["no_such_setting": "1"]
    let error = try await refusal(options)
    #expect(error.code == .startFailed)
    #expect(error.description.contains("unrecognized configuration parameter \"no_such_setting\""))
  }

  @Test func `a start that takes too long ends, and nothing runs on`() async throws {
    try await TestFolder.with { folder in
      var options = EmbeddedPostgres.Options(dataDirectory: folder("postgres"))
      options.startTimeout = .milliseconds(30)
      let error = try await refusal(options)
      #expect(error.code == .startTimedOut)
      #expect(Leftovers(folder: ServerFolder(path: folder("postgres"))).clear(until: .after(.zero)))
    }
  }

  @Test func `impossible options are refused before anything is touched`() async throws {
    #expect(try await refusal(.init(dataDirectory: "")).code == .invalidOption)
    var options = EmbeddedPostgres.Options.test
    options.databaseName = String(repeating: "x", count: 64)
    #expect(try await refusal(options).code == .invalidOption)
    options = .test
    options.port = 0
    #expect(try await refusal(options).code == .invalidOption)
    options = .test
    options.socketDirectory = "/tmp/" + String(repeating: "x", count: 100)
    #expect(try await refusal(options).code == .invalidOption)
  }
}
