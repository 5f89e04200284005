import CSpawn
import FoundationEssentials
import Glibc
import Synchronization
import Testing

/// A program that a test runs beside itself; ended with the test's process at the latest.
final class Subprocess: Sendable {
  let processID: pid_t
  private static let running = Mutex<[pid_t]>([])
  private static let cleanUp: Void = {
    atexit { for pid in Subprocess.running.withLock({ $0 }) { kill(-pid, SIGKILL) } }
  }()

  /// Starts it; a server must not be root, so what root starts runs as `postgres`.
  init(_ arguments: [String], log: String) throws {
    _ = Self.cleanUp
    let arguments = getuid() == 0 ? ["/usr/sbin/runuser", "-u", "postgres", "--"] + arguments : arguments
    let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
    let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    defer {
      close(input)
      close(output)
    }
    var pid: pid_t = 0
    var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    var environment: [UnsafeMutablePointer<CChar>?] = [strdup("PATH=/usr/sbin:/usr/bin:/bin"), strdup("LC_ALL=C"), nil]
    defer { for string in argv + environment { free(string) } }
    let status = keel_spawn(&pid, &argv, &environment, [input, output, output])
    try #require(status == 0, "cannot start \(arguments): errno \(status)")
    processID = pid
    let started = pid
    Self.running.withLock { $0.append(started) }
  }

  /// Runs it to its end, and requires that it succeeds.
  static func run(_ arguments: [String], log: String) async throws {
    let process = try Subprocess(arguments, log: log)
    let status = try await process.exitStatus()
    try #require(status == 0, "\(arguments.joined(separator: " ")) failed: \(text(of: log))")
  }

  func exitStatus() async throws -> Int32 {
    var status: Int32 = 0
    try await until { waitpid(processID, &status, WNOHANG) != 0 }
    Self.running.withLock { $0.removeAll { $0 == processID } }
    return status >> 8
  }

  /// Whether it has not ended; one that has is gone after this.
  var isRunning: Bool { kill(processID, 0) == 0 && waitpid(processID, nil, WNOHANG) == 0 }

  func end(_ signal: Int32 = SIGTERM) async throws {
    // The whole session: `runuser` stands between.
    kill(-processID, signal)
    _ = try await exitStatus()
  }

  static func text(of path: String) -> String { (try? String(contentsOf: URL(filePath: path), encoding: .utf8)) ?? "" }
}

/// A folder for one test, which the server's user can use too.
func withTemporaryFolder<Result: Sendable>(
  isolation: isolated (any Actor)? = #isolation, _ body: (String) async throws -> Result
) async throws -> Result {
  let path = try makeTemporaryFolder()
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try await body(path)
}

func makeTemporaryFolder() throws -> String {
  var template = Array("/tmp/keel-test-XXXXXX".utf8CString)
  try #require(mkdtemp(&template) != nil)
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  chmod(path, 0o777)
  return path
}

func write(_ text: String, to path: String, mode: mode_t = 0o644) throws {
  try text.write(toFile: path, atomically: false, encoding: .utf8)
  chmod(path, mode)
}
