import Container
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Signals concern the whole process, so these run one after the other.
@Suite(.serialized) struct SignalTests {
  @Test(arguments: [SIGTERM, SIGINT]) func `A signal stops a running app in order`(signal: Int32) async throws {
    let (journal, ready) = (Journal(), Gate())
    let app = App {
      Provide { Cache() }.onStop { _ in journal.note("stopped") }.eager()
    }
    async let reason = app.run(onReady: { ready.open() })
    await ready.wait()
    kill(getpid(), signal)
    #expect(try await reason == .signal(signal))
    #expect(journal.entries == ["stopped"])
  }

  @Test func `A signal during the start calls it off and rolls back`() async throws {
    let (journal, entered) = (Journal(), Gate())
    let app = App {
      Provide { Cache() }.onStop { _ in journal.note("stopped") }
      Invoke { (_: Cache) in
        entered.open()
        try await Task.sleep(for: .seconds(60))
      }
    }
    async let reason = app.run()
    await entered.wait()
    kill(getpid(), SIGTERM)
    #expect(try await reason == .signal(SIGTERM))
    #expect(journal.entries == ["stopped"])
  }

  @Test func `After a run the signals mean what they meant before`() async throws {
    func handler(of signal: Int32) -> Int {
      var action = sigaction()
      sigaction(signal, nil, &action)
      #if canImport(Glibc)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
      #else
        return unsafeBitCast(action.__sigaction_u.__sa_handler, to: Int.self)
      #endif
    }
    let before = handler(of: SIGTERM)
    let app = App { Invoke { (control: AppControl) in control.requestStop() } }
    try await app.run()
    #expect(handler(of: SIGTERM) == before)
  }
}
