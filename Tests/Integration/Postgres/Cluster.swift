import EmbeddedPostgres
import FoundationEssentials
import Glibc
import Postgres
import Testing

/// A server of a test's own, set up by hand where the embedded kind does not reach: TCP, TLS, passwords, a standby.
final class Cluster: Sendable {
  let data: String
  let sockets: String
  let port: UInt16
  private let process: Subprocess

  static func tool(_ name: String) async throws -> String {
    let installations = await PostgresInstallation.all()
    return "\(try #require(installations.first).binDirectory)/\(name)"
  }

  static func initialise(_ data: String, log: String) async throws {
    try await Subprocess.run(
      [try await tool("initdb"), "-D", data, "-U", "keel", "-A", "trust", "-N", "--no-instructions", "-E", "UTF8"],
      log: log)
  }

  /// Starts the server on a folder that `initdb` or `pg_basebackup` has made.
  ///
  /// - Parameter tcp: also listens on 127.0.0.1, at a port that is free.
  static func start(
    _ data: String, sockets: String, settings: [String: String] = [:], tcp: Bool = false
  ) async throws
    -> Cluster
  {
    // Whoever else looks for a free port may be faster: then another one.
    for _ in 0..<10 {
      let port = tcp ? UInt16.random(in: 20_000..<32_000) : 5432
      var arguments = [
        try await tool("postgres"), "-D", data, "-k", sockets, "-p", "\(port)",
        "-c", "listen_addresses=\(tcp ? "127.0.0.1" : "")", "-c", "fsync=off", "-c", "shared_buffers=16MB",
      ]
      for (name, value) in settings { arguments += ["-c", "\(name)=\(value)"] }
      let process = try Subprocess(arguments, log: "\(sockets)/server.log")
      let cluster = Cluster(data, sockets, port, process)
      let deadline = ContinuousClock.now.advanced(by: .seconds(30))
      while process.isRunning, ContinuousClock.now < deadline {
        if Subprocess.text(of: "\(sockets)/server.log").contains("ready to accept") { return cluster }
        try await Task.sleep(for: .milliseconds(5))
      }
    }
    try #require(Bool(false), "no server: \(Subprocess.text(of: "\(sockets)/server.log"))")
    throw CancellationError()
  }

  private init(_ data: String, _ sockets: String, _ port: UInt16, _ process: Subprocess) {
    self.data = data
    self.sockets = sockets
    self.port = port
    self.process = process
  }

  func options(_ more: String = "") throws -> ConnectOptions {
    try ConnectOptions("host=\(sockets) port=\(port) dbname=postgres user=keel \(more)")
  }

  func stop() async throws { try await process.end(SIGQUIT) }
}
