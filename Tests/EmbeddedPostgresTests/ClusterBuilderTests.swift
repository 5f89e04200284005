import Testing

@testable import EmbeddedPostgres

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite(.sharedTemplate) struct ClusterBuilderTests {
  /// An `initdb` that makes its folder and then waits to be told to go on.
  private struct Script {
    let folder: String
    let user: ServerUser

    /// - Parameter ending: What it does at last, with its folder in `$data`.
    init(_ folder: String, as user: ServerUser, ending: String) throws {
      self.folder = folder
      self.user = user
      try #require(mkdir(folder, 0o700) == 0 && chown(folder, user.id, user.group) == 0)
      let text = """
        #!/bin/sh
        for argument; do case "$argument" in --pgdata=*) data="${argument#*=}" ;; esac; done
        mkdir "$data" && touch "${0%/*}/begun" && read -r word < "${0%/*}/go"
        \(ending)

        """
      // Written by a process of its own: a child that another test starts just then may keep a file of ours open, and what is
      // open for writing cannot be run.
      let writing = Tool.run(
        [
          "/bin/sh", "-c", #"mkfifo "$1/go" && printf %s "$2" > "$1/initdb" && chmod 700 "$1/initdb""#, "sh", folder,
          text,
        ], as: user)
      guard case .success(let outcome) = writing, outcome.succeeded else {
        Issue.record("\(writing)")
        return
      }
    }

    var hasBegun: Bool { FileSystem.exists(folder + "/begun") }

    func goOn() { _ = Tool.run(["/bin/sh", "-c", #"echo > "$1/go""#, "sh", folder], as: user) }

    func build(_ server: ServerFolder) async -> Result<Void, EmbeddedPostgresError> {
      let installation = PostgresInstallation(binDirectory: folder, version: "15.1", major: 15)
      let builder = ClusterBuilder(installation: installation, user: user)
      return await offPool { flag in
        Result { () throws(EmbeddedPostgresError) in
          try builder.build(server, from: nil, until: .after(.seconds(60)), cancellation: flag)
        }
      }
    }
  }

  private func unfinished(_ server: ServerFolder) -> [String] { ServerFolder.unfinished(like: server.unfinishedData) }

  @Test func `an initdb that outlives its program does not spoil that of the next one`() async throws {
    let user = try ServerUser.resolve(dropRootTo: "postgres")
    try await TestFolder.with { folder in
      let server = ServerFolder(path: folder("postgres"))
      try #require(mkdir(server.path, 0o700) == 0 && chown(server.path, user.id, user.group) == 0)
      // What initdb does when it is interrupted.
      let first = try Script(folder("first"), as: user, ending: #"rm -rf "$data"; exit 1"#)
      let second = try Script(folder("second"), as: user, ending: #"touch "$data/whole""#)

      async let ofFirst = first.build(server)
      try await eventually("the first is at work") { first.hasBegun }
      async let ofSecond = second.build(server)
      try await eventually("the second is at work") { second.hasBegun }
      // What is left of the first is gone already; it may be late to notice.
      #expect(unfinished(server).count == 1)
      first.goOn()
      let failed = await ofFirst
      #expect(throws: EmbeddedPostgresError.self) { try failed.get() }
      #expect(unfinished(server).count == 1)
      second.goOn()
      try await ofSecond.get()
      #expect(FileSystem.exists(server.data + "/whole"))
      #expect(FileSystem.entries(server.path) == ["data"])
    }
  }

  @Test func `a half-made cluster of any name that a killed program left is swept away`() async throws {
    try await TestFolder.with { folder in
      let server = ServerFolder(path: folder("postgres"))
      for name in ["data.unfinished", "data.unfinished.1"] {
        let base = "\(server.path)/\(name)/base"
        try #require(FileSystem.makeDirectories(base, mode: 0o700) == nil)
      }
      let user = try ServerUser.resolve(dropRootTo: "postgres")
      _ = Tool.run(command: ["/bin/chown", "-R", "\(user.id):\(user.group)", server.path])
      try await EmbeddedPostgres.with(.kept(server.path)) { #expect($0.query("SELECT 1") == "1") }
      #expect(unfinished(server) == [])
    }
  }
}
