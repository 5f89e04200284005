import Synchronization
import Testing

@testable import EmbeddedPostgres

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite struct GateTests {
  @Test func `a gate opens though others start programs while it is made`() async throws {
    let isOpened = await offPool { _ in
      let (isEnough, isOver) = (CancellationFlag(), CancellationFlag())
      let isOpened = Atomic(true)
      let isWatched = startThread {
        while isOpened.load(ordering: .relaxed), !isEnough.isSet {
          let gate = Gate()
          gate?.open()
          isOpened.store(gate?.wait(until: .after(.seconds(60))) == true, ordering: .relaxed)
        }
        isOver.set()
      }
      let strangers = (0..<40).compactMap { _ in Self.startStranger() }
      isEnough.set()
      while isWatched, !isOver.isSet { _ = poll(nil, 0, 1) }
      for stranger in strangers {
        kill(stranger, SIGKILL)
        waitpid(stranger, nil, 0)
      }
      return isWatched && strangers.count == 40 && isOpened.load(ordering: .relaxed)
    }
    #expect(isOpened)
  }

  @Test func `the wait for a program's end is over once its end was told, not before`() async throws {
    let null = open("/dev/null", O_RDWR | O_CLOEXEC)
    defer { close(null) }
    let isToldBefore = try await offPool { _ in
      let (isWaitOver, isToldBefore) = (CancellationFlag(), CancellationFlag())
      let child = try ChildProcess.start(["/bin/true"], input: null, output: null) { _ in
        // Long enough for a wait that does not wait for this.
        for _ in 0..<100 where !isWaitOver.isSet { _ = poll(nil, 0, 1) }
        if !isWaitOver.isSet { isToldBefore.set() }
      }.get()
      _ = child.waitForExit(until: .never)
      isWaitOver.set()
      return isToldBefore.isSet
    }
    #expect(isToldBefore)
  }

  /// A program that inherits whatever it may, and lives for long.
  private static func startStranger() -> pid_t? {
    var process = pid_t()
    let arguments = [strdup("/bin/sleep"), strdup("600"), nil]
    defer { for argument in arguments { free(argument) } }
    return posix_spawn(&process, "/bin/sleep", nil, nil, arguments, nil) == 0 ? process : nil
  }
}
