import ContainerTesting
import Synchronization
import Testing

@testable import Container

/// What comes back too late, and who waits for it.
@Suite(.timeLimit(.minutes(5))) struct LateWorkTests {
  @Test func `a start hook that comes back after its time gives nobody its value`() async throws {
    let (gate, n, began, stops) = (Gate(), Flag(), Flag(), Journal())
    let (time, recorder) = (ManualClock(), EventRecorder())
    var o = App.Options()
    o.clock = time.clock
    o.observers = [recorder]
    let app = App(o) {
      Provide { () -> Num in
        n.hit()
        return Num(n.count)
      }
      .onStart { value in
        guard value.n == 1 else { return }
        began.hit()
        await gate.wait()
      }
      .onStop { value in stops.note("stop \(value.n)") }
    }
    try await app.start()
    let first = Task { try await app.get(Num.self) }
    #expect(await soon { began.count == 1 })
    time.advance(by: .seconds(60))
    await #expect(throws: ContainerError.self) { try await first.value }
    gate.open()
    #expect(await soon { recorder.events.contains { if case .cameLate = $0 { true } else { false } } })
    let got = try await app.get(Num.self)
    #expect(got.n == 2)
    try await app.stop()
    #expect(stops.entries == ["stop \(got.n)"])
  }

  @Test func `who waits for a value is answered when the stop gives up`() async throws {
    let gate = Gate(); let done = Flag(); let began = Flag()
    var o = App.Options(); o.stopTimeout = .milliseconds(100)
    let app = App(o) {
      Provide { () async -> X in
        began.hit(); await gate.wait(); return X()
      }
    }
    try await app.start()
    let t = Task {
      _ = try? await app.get(X.self); done.hit()
    }
    #expect(await soon { began.count == 1 })
    _ = try? await app.stop()
    gate.open()
    #expect(await soon { done.count == 1 })
    t.cancel()
  }

  @Test func `a constructor asked for while the app runs has its budget`() async throws {
    var bad = 0
    for _ in 0..<20 {
      let gate = Gate(); let done = Flag()
      var o = App.Options(); o.startTimeout = .milliseconds(60)
      let app = App(o) {
        Provide { () async -> X in
          await gate.wait(); return X()
        }
      }
      try await app.start()
      let t = Task {
        _ = try? await app.get(X.self); done.hit()
      }
      if !(await soon { done.count == 1 }) { bad += 1 }
      gate.open()
      await t.value
      _ = try? await app.stop()
    }
    #expect(bad == 0)
  }

  @Test func `an app whose stop gave up is let go`() async throws {
    let gate = Gate()
    var o = App.Options(); o.stopTimeout = .milliseconds(80); o.order = .serial
    let w: Weak<Num>
    do {
      let app = App(o) {
        Run("first") {}
        Provide { Num(0) }.eager().onStop { _ in await gate.wait() }
      }
      try await app.start()
      w = Weak(try await app.get(Num.self))
      await pause(30)
      _ = try? await app.stop()
    }
    gate.open()
    #expect(await soon { w.o == nil })
  }

  @Test func `no hook begins after the stop has given up`() async throws {
    let gate = Gate(); let late = Flag()
    let time = ManualClock()
    var o = App.Options(); o.stopTimeout = .seconds(10); o.hookTimeout = .seconds(10); o.clock = time.clock
    let app = App(o) {
      Provide { X() }.eager().onStop { _ in
        await pause(60); late.hit()
      }.onStart { _ in }.onStop { _ in await gate.wait() }
    }
    try await app.start()
    let stop = Task { try await app.stop() }
    #expect(await soon { app.state == .stopping })
    await pause(50)
    time.advance(by: .seconds(10))
    _ = await stop.result
    await pause(200)
    #expect(late.count == 0)
    gate.open()
  }

  @Test func `who is cancelled while a value is built waits no longer, and others get it`() async throws {
    let (gate, began, refused) = (Gate(), Flag(), Flag())
    let app = App {
      Provide { () async -> X in
        began.hit()
        await gate.wait()
        return X()
      }
    }
    try await app.start()
    let first = Task {
      await #expect(throws: CancellationError.self) { try await app.get(X.self) }
      refused.hit()
    }
    #expect(await soon { began.count == 1 })
    let second = Task { try await app.get(X.self) }
    first.cancel()
    #expect(await soon { refused.count == 1 })
    gate.open()
    _ = try await second.value
    #expect(began.count == 1)
    try await app.stop()
  }
}
