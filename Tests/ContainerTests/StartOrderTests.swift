import ContainerTesting
import Synchronization
import Testing

@testable import Container

/// Who is told what of a start, and in which order.
@Suite(.timeLimit(.minutes(5))) struct StartOrderTests {
  @Test func `who waits for the start of an invalid app is told what start throws`() async throws {
    let app = App { Invoke { (_: X) in } }
    let done = Flag()
    let t = Task { do { try await app.started() } catch { done.hit() } }
    await pause(30)
    await #expect(throws: ContainerError.self) { try await app.start() }
    #expect(await soon { done.count == 1 })
    t.cancel()
  }

  @Test func `a task that one constructor began is not taken for the next node of its worker`() async throws {
    let box = Catch<Result<X, any Error>>()
    let app = App {
      Provide { (x: Lazy<X>) -> Y in
        Task {
          try? await Task.sleep(for: .milliseconds(50))
          do { box.put(.success(try await x.get())) } catch { box.put(.failure(error)) }
        }
        return Y()
      }
      Provide { (_: Y) async -> Z in
        await pause(200); return Z()
      }
      Provide { (_: Z) -> X in X() }
      Invoke { (_: Z) in }
    }
    try await app.start()
    #expect(await soon { box.value != nil })
    #expect(throws: Never.self) { try box.value?.get() }
    try await app.stop()
  }

  @Test func `the roll-back of one node is not cancelled by the failure of another`() async throws {
    let (seen, gate) = (Catch<Bool>(), Gate())
    let app = App {
      Provide { X() }.eager()
        .onStart { _ in }.onStop { _ in
          gate.open()
          try? await Task.sleep(for: .milliseconds(200))
          seen.put(Task.isCancelled)
        }
        .onStart { _ in throw Boom() }
      Invoke { () async throws in
        await gate.wait()
        throw Boom()
      }
    }
    do { try await app.start() } catch {}
    #expect(seen.value == false)
  }

  @Test func `the first failure is thrown though its roll-back is slow`() async throws {
    struct Second: Error {}
    let gate = Gate()
    let app = App {
      Provide { X() }.eager()
        .onStart { _ in }
        .onStop { _ in
          gate.open()
          await pause(200)
        }
        .onStart { _ in throw Boom() }
      Invoke { () async throws in
        await gate.wait()
        throw Second()
      }
    }
    do { try await app.start() } catch { #expect(error.cause is Boom) }
  }

  @Test func `a start that is called off while a Lazy is waited for is a good end`() async throws {
    let began = Flag()
    let app = App {
      Provide { () async throws -> X in
        began.hit(); try await Task.sleep(for: .seconds(30)); return X()
      }
      Invoke { (x: Lazy<X>) in _ = try await x.get() }
    }
    let t = Task { try await app.run() }
    #expect(await soon { began.count == 1 })
    app.requestStop("enough")
    let r = await t.result
    if case .failure(let e) = r { Issue.record("\(e)") }
  }

  @Test func `serial order holds when a Run opens a Lazy meanwhile`() async throws {
    let inside = Flag(); let overlap = Flag(); let go = Gate()
    var o = App.Options(); o.order = .serial
    let app = App(o) {
      Provide { () -> X in
        if inside.count == 1 { overlap.hit() }; return X()
      }
      Run { (x: Lazy<X>) in
        await go.wait(); _ = try await x.get(); try await Task.sleep(for: .seconds(60))
      }
      Invoke { () async in
        inside.hit(); go.open(); await pause(200); inside.hit()
      }
    }
    try await app.start()
    #expect(overlap.count == 0)
    try await app.stop()
  }

  @Test func `states come in order, whatever an observer does`() async throws {
    var o = App.Options()
    let gate = Gate()
    o.observers = [
      ClosureObserver { event in
        if case .rollingBack = event {
          gate.open(); var i = 0; let end = ContinuousClock.now + .milliseconds(200);
          while ContinuousClock.now < end { i += 1 }
        }
      }
    ]
    let app = App(o) {
      Invoke { () async throws in throw Boom() }
      Invoke { () async in await gate.wait() }
    }
    let states = app.states
    let t = Task {
      var all: [AppState] = []; for await s in states { all.append(s) }; return all
    }
    _ = try? await app.start()
    #expect(await t.value == [.built, .starting, .stopping, .stopped])
  }
}
