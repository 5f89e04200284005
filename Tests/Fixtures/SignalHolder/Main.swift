import Container
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Apps that are meant to be signalled; the argument says which. Each says in lines what happens to it.
@main struct Main {
  struct Cache: Sendable {}

  static func main() async throws {
    switch CommandLine.arguments.last {
    case "orderly": try await orderly()
    case "doubled": try await doubled()
    case "winding-down": try await windingDown()
    case "composing", "validated": try await notYetRunning(CommandLine.arguments[1])
    case "beginning": try await beginning()
    case "starting": try await starting()
    case "stopping": try await stopping()
    case "restoring": try await restoring()
    default: try await stuck()
    }
  }

  /// Says `ready` when it runs, `stopped` from its stop hook, and how it ended.
  static func orderly() async throws {
    let app = App {
      Provide { Cache() }.onStop { _ in say("stopped") }.eager()
      limit
    }
    say("ended: \(try await app.run(onReady: { say("ready") }))")
  }

  /// Is signalled twice at once when it runs, and says how it ended.
  static func doubled() async throws {
    let app = App {
      Provide { Cache() }.onStop { _ in say("stopped") }.eager()
      limit
    }
    let reason = try await app.run(onReady: {
      terminate()
      terminate()
    })
    say("ended: \(reason)")
  }

  /// Says before it stops why, and in which state it is.
  static func windingDown() async throws {
    let app = App {
      Provide { Cache() }.onStop { _ in say("stopped") }.eager()
      limit
    }
    try await app.run(onReady: { say("ready") }, beforeStop: { say("\($0) while \(app.state.rawValue)") })
  }

  /// Says at which `step` before its run it waits to be signalled: while it is put together, or when it has been validated.
  static func notYetRunning(_ step: String) async throws {
    func pass(_ current: String) {
      say(current)
      if step == current { sleep(60) }
    }
    let app = App {
      let _ = pass("composing")
      Provide { Cache() }.onStart { _ in say("starting") }.onStop { _ in say("stopped") }.eager()
    }
    try app.validate()
    pass("validated")
    say("ended: \(try await app.run())")
  }

  /// Is signalled when its run listens for signals already and the start has not begun: when it asks for the time.
  static func beginning() async throws {
    let isFirst = Atomic(true)
    let clock = AppClock.continuous
    let handle = Mutex<App?>(nil)
    var options = App.Options()
    options.clock.now = {
      if isFirst.exchange(false, ordering: .relaxed) {
        terminate()
        while handle.withLock({ $0?.state }) != .stopped { usleep(1000) }
      }
      return clock.now()
    }
    let app = App(options) {
      Provide { Cache() }.onStart { _ in say("starting") }.onStop { _ in say("stopped") }.eager()
    }
    handle.withLock { $0 = app }
    say("ended: \(try await app.run())")
  }

  /// Says `starting` in a start that takes for ever.
  static func starting() async throws {
    let app = App {
      Provide { Cache() }.onStop { _ in say("stopped") }
      Invoke { (_: Cache) in
        say("starting")
        try await Task.sleep(for: .seconds(60))
      }
    }
    say("ended: \(try await app.run())")
  }

  /// Is signalled in a stop that it has asked for itself.
  static func stopping() async throws {
    let app = App {
      Provide { Cache() }.eager().onStop { _ in
        terminate()
        say("stopped")
      }
    }
    say("ended: \(try await app.run(onReady: { app.requestStop("enough") }))")
  }

  /// Says whether SIGTERM is handled as it was before the run.
  static func restoring() async throws {
    let before = handler(of: SIGTERM)
    let app = App { Invoke { (control: AppControl) in control.requestStop() } }
    try await app.run()
    say(handler(of: SIGTERM) == before ? "ended: signals as before" : "ended: another handler")
  }

  /// Says `ready` when it runs and `stopping` when its stop hook has been called, which does not return, and the next signal is
  /// one of its own.
  static func stuck() async throws {
    let app = App {
      Provide { Cache() }.eager().onStop(timeout: .seconds(600)) { _ in
        try? await Task.sleep(for: .milliseconds(250))
        say("stopping")
        while true { try? await Task.sleep(for: .seconds(1)) }
      }
      limit
    }
    try await app.run(onReady: { say("ready") })
  }

  /// An end of its own, should nobody signal it.
  static var limit: Run { Run("limit") { try await Task.sleep(for: .seconds(60)) }.onFinish(.shutdown) }

  static func handler(of signal: Int32) -> Int {
    var action = sigaction()
    sigaction(signal, nil, &action)
    #if canImport(Darwin)
      return unsafeBitCast(action.__sigaction_u.__sa_handler, to: Int.self)
    #else
      return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
    #endif
  }

  /// Signals this thread, so that the handler has run when this returns; `kill` may have another thread run it later. The threads
  /// that tasks run on block signals, so this one has to let them through first.
  static func terminate() {
    var (signals, before) = (sigset_t(), sigset_t())
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    pthread_sigmask(SIG_UNBLOCK, &signals, &before)
    raise(SIGTERM)
    pthread_sigmask(SIG_SETMASK, &before, nil)
  }

  /// Through no buffer: whoever reads this waits for it.
  static func say(_ line: String) { _ = write(STDOUT_FILENO, line + "\n", line.utf8.count + 1) }
}
