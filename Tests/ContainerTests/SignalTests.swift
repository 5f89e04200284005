import TestSupport
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
    let holder = try HelperProcess("signal-holder", "orderly")
    #expect(await holder.line() == "ready")
    kill(holder.id, signal)
    #expect(await holder.line() == "stopped")
    #expect(await holder.line() == "ended: signal \(signal == SIGTERM ? "SIGTERM" : "SIGINT")")
    #expect(await holder.exitCode() == 0)
  }

  @Test func `A signal that comes twice at once, as from timeout, counts once`() async throws {
    // Where the machine pauses between the two they are two.
    for _ in 1...10 {
      let holder = try HelperProcess("signal-holder", "doubled")
      guard await holder.line() == "stopped" else { continue }
      #expect(await holder.line() == "ended: signal SIGTERM")
      #expect(await holder.exitCode() == 0)
      return
    }
    Issue.record("the second signal ended it each time")
  }

  @Test func `A running app that is signalled winds down first, while everything still runs`() async throws {
    let holder = try HelperProcess("signal-holder", "winding-down")
    #expect(await holder.line() == "ready")
    kill(holder.id, SIGTERM)
    #expect(await holder.line() == "signal SIGTERM while running")
    #expect(await holder.line() == "stopped")
    #expect(await holder.exitCode() == 0)
  }

  @Test(arguments: ["composing", "validated"], [SIGTERM, SIGINT])
  func `A signal before the run ends the process, and nothing has started`(step: String, signal: Int32) async throws {
    let holder = try HelperProcess("signal-holder", step)
    while let line = await holder.line(), line != step {}
    kill(holder.id, signal)
    #expect(await holder.line() == nil)
    #expect(await holder.endingSignal() == signal)
  }

  @Test func `A signal in a run that has not begun to start is a good end, and nothing starts`() async throws {
    let holder = try HelperProcess("signal-holder", "beginning")
    #expect(await holder.line() == "ended: signal SIGTERM")
    #expect(await holder.exitCode() == 0)
  }

  @Test func `A signal during the start calls it off and rolls back`() async throws {
    let holder = try HelperProcess("signal-holder", "starting")
    #expect(await holder.line() == "starting")
    kill(holder.id, SIGTERM)
    #expect(await holder.line() == "stopped")
    #expect(await holder.line() == "ended: signal SIGTERM")
    #expect(await holder.exitCode() == 0)
  }

  @Test func `A signal during a stop that has begun by itself changes nothing`() async throws {
    let holder = try HelperProcess("signal-holder", "stopping")
    #expect(await holder.line() == "stopped")
    #expect(await holder.line() == "ended: requested: enough")
    #expect(await holder.exitCode() == 0)
  }

  @Test func `After a run the signals mean what they meant before`() async throws {
    let holder = try HelperProcess("signal-holder", "restoring")
    #expect(await holder.line() == "ended: signals as before")
    #expect(await holder.exitCode() == 0)
  }

  @Test(arguments: [SIGTERM, SIGINT])
  func `The second signal ends a process that does not stop, with 128 and its number`(second: Int32) async throws {
    let holder = try HelperProcess("signal-holder", "stuck")
    #expect(await holder.line() == "ready")
    kill(holder.id, SIGTERM)
    #expect(await holder.line() == "stopping")
    kill(holder.id, second)
    #expect(await holder.exitCode() == 128 + second)
  }
}
