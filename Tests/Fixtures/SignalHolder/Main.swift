import Container

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// An app that runs until it is signalled, and then does not end: what the second signal is for.
///
/// Says `ready` when it runs and `stopping` when its stop hook has been called.
@main struct Main {
  struct Stuck: Sendable {}

  static func main() async throws {
    let app = App {
      Provide { Stuck() }.eager().onStop(timeout: .seconds(600)) { _ in
        say("stopping\n")
        while true { try? await Task.sleep(for: .seconds(1)) }
      }
      // An end of its own, should nobody signal it.
      Run("limit") { try await Task.sleep(for: .seconds(60)) }.onFinish(.shutdown)
    }
    try await app.run(onReady: { say("ready\n") })
  }

  /// Through no buffer: whoever reads this waits for it.
  static func say(_ line: String) { _ = write(STDOUT_FILENO, line, line.utf8.count) }
}
