import CSpawn
import Container
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Signals concern the whole process, so each of these is about a process of its own: `signal-holder`, built beside the
/// tests.
@Suite(.timeLimit(.minutes(2))) struct SignalTests {
  @Test(arguments: [SIGTERM, SIGINT]) func `A signal stops a running app in order`(signal: Int32) async throws {
    let holder = try SignalHolder("orderly")
    #expect(await holder.line() == "ready")
    kill(holder.process, signal)
    #expect(await holder.line() == "stopped")
    #expect(await holder.line() == "ended: signal \(signal == SIGTERM ? "SIGTERM" : "SIGINT")")
    #expect(await holder.exitCode() == 0)
  }

  @Test func `A running app that is signalled winds down first, while everything still runs`() async throws {
    let holder = try SignalHolder("winding-down")
    #expect(await holder.line() == "ready")
    kill(holder.process, SIGTERM)
    #expect(await holder.line() == "signal SIGTERM while running")
    #expect(await holder.line() == "stopped")
    #expect(await holder.exitCode() == 0)
  }

  @Test func `A signal during the start calls it off and rolls back`() async throws {
    let holder = try SignalHolder("starting")
    #expect(await holder.line() == "starting")
    kill(holder.process, SIGTERM)
    #expect(await holder.line() == "stopped")
    #expect(await holder.line() == "ended: signal SIGTERM")
    #expect(await holder.exitCode() == 0)
  }

  @Test func `A signal during a stop that has begun by itself changes nothing`() async throws {
    let holder = try SignalHolder("stopping")
    #expect(await holder.line() == "stopped")
    #expect(await holder.line() == "ended: requested: enough")
    #expect(await holder.exitCode() == 0)
  }

  @Test func `After a run the signals mean what they meant before`() async throws {
    let holder = try SignalHolder("restoring")
    #expect(await holder.line() == "ended: signals as before")
    #expect(await holder.exitCode() == 0)
  }

  @Test(arguments: [SIGTERM, SIGINT])
  func `The second signal ends a process that does not stop, with 128 and its number`(second: Int32) async throws {
    let holder = try SignalHolder("stuck")
    #expect(await holder.line() == "ready")
    kill(holder.process, SIGTERM)
    #expect(await holder.line() == "stopping")
    kill(holder.process, second)
    #expect(await holder.exitCode() == 128 + second)
  }
}

/// A process that runs an app of a kind, see its source. Asked again and again rather than waited for: nothing here blocks a thread.
private final class SignalHolder: Sendable {
  let process: pid_t
  private let output: Int32

  init(_ kind: String) throws {
    let tests = try #require(CommandLine.arguments.first).split(separator: "/", omittingEmptySubsequences: false)
    let program = (tests.dropLast() + ["signal-holder"]).joined(separator: "/")
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    defer { close(ends[1]) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    let arguments = [strdup(program), strdup(kind), nil]
    defer { for argument in arguments { free(argument) } }
    var process: pid_t = -1
    let status = keel_spawn(&process, arguments, [nil], [ends[1], ends[1], STDERR_FILENO])
    (self.process, output) = (process, ends[0])
    try #require(status == 0, "\(program) could not be started: \(status)")
  }

  deinit {
    close(output)
  }

  /// Its next line.
  func line() async -> String? {
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
  func exitCode() async -> Int32? {
    var status: Int32 = 0
    while waitpid(process, &status, WNOHANG) == 0 {
      guard (try? await Task.sleep(for: .milliseconds(2))) != nil else { return nil }
    }
    return status & 0x7F == 0 ? status >> 8 & 0xFF : nil
  }
}
