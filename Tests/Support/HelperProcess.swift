internal import CSpawn
internal import Glibc
internal import Synchronization

/// A program built beside the tests, run in a process of its own: for what concerns a whole process, as signals and memory
/// do. It says in lines what happens to it. Asked again and again rather than waited for: nothing here blocks a thread.
public final class HelperProcess: Sendable {
  /// To be signalled.
  public let id: Int32
  private let output: Int32
  /// Once it was waited for, its number may be another's.
  private let isOver = Atomic(false)

  /// Starts it.
  public init(_ program: String, _ argument: String = "") throws {
    let tests = CommandLine.arguments[0].split(separator: "/", omittingEmptySubsequences: false)
    let path = (tests.dropLast() + [Substring(program)]).joined(separator: "/")
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw Failure(description: "no pipe: \(String(cString: strerror(errno)))") }
    defer { close(ends[1]) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    let arguments = [strdup(path), strdup(argument), nil]
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = -1
    let status = keel_spawn(&process, arguments, [nil], [ends[1], ends[1], STDERR_FILENO])
    (id, output) = (process, ends[0])
    // Fully initialised by now: deinit closes the output.
    guard status == 0 else {
      isOver.store(true, ordering: .relaxed)
      throw Failure(description: "\(path) could not be started: \(String(cString: strerror(status)))")
    }
  }

  /// Why there is no process.
  public struct Failure: Error, CustomStringConvertible {
    /// What the system said.
    public let description: String
  }

  /// Ends it, should the test have failed before it could.
  deinit {
    close(output)
    guard !isOver.load(ordering: .relaxed) else { return }
    kill(id, SIGKILL)
    var status: Int32 = 0
    waitpid(id, &status, 0)
  }

  /// Its next line; nil when there are no more.
  public func line() async -> String? {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while true {
      switch read(output, &byte, 1) {
      case 1 where byte == UInt8(ascii: "\n"): return String(decoding: line, as: UTF8.self)
      case 1: line.append(byte)
      case 0: return nil
      default: guard (try? await Task.sleep(for: .milliseconds(2))) != nil else { return nil }
      }
    }
  }

  /// What it exits with; nil if a signal ends it.
  public func exitCode() async -> Int32? {
    guard let status = await status() else { return nil }
    return status & 0x7F == 0 ? status >> 8 & 0xFF : nil
  }

  /// The signal that ends it; nil if it exits.
  public func endingSignal() async -> Int32? {
    guard let status = await status(), status & 0x7F != 0 else { return nil }
    return status & 0x7F
  }

  /// How it ended; nil if the task was cancelled before it had.
  private func status() async -> Int32? {
    var status: Int32 = 0
    while waitpid(id, &status, WNOHANG) == 0 {
      guard (try? await Task.sleep(for: .milliseconds(2))) != nil else { return nil }
    }
    isOver.store(true, ordering: .relaxed)
    return status
  }
}
