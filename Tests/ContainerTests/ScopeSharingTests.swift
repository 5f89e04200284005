import ContainerTesting
import Synchronization
import Testing

@testable import Container

/// Scopes that are shared by tasks, kept by values, and ended while something is built.
@Suite(.timeLimit(.minutes(5))) struct ScopeSharingTests {
  private final class HoldsLazy: Sendable { let l: Lazy<X>; init(_ l: Lazy<X>) { self.l = l } }
  private final class HoldsScope: Sendable { let s: Scope; init(_ s: Scope) { self.s = s } }
  private struct P: Sendable {}
  private struct Q: Sendable {}

  @Test func `a singleton that needs a transient value with a Scope is refused`() async throws {
    let app = App {
      Provide { (_: Scope) in X() }.lifetime(.transient)
      Invoke { (_: X) in }
    }
    #expect(throws: ContainerError.self) { try app.validate() }
    do { try await app.start(); Issue.record("started") } catch {}
  }

  @Test func `a decorated input can be supplied`() async throws {
    let app = App {
      ScopeInput(X.self); Decorate { (x: X) in X(n: x.n + 1) }
    }
    try await app.start()
    let n = try await app.withScope(supplying: X(n: 1)) { scope in try await scope.get(X.self).n }
    #expect(n == 2)
    try await app.stop()
  }

  @Test func `an input that a module decorates can be supplied`() async throws {
    struct M: Module {
      var body: [any ModuleElement] {
        Decorate { (x: X) in X(n: x.n + 1) }; Provide { (x: X) in Num(x.n) }.lifetime(.scoped)
      }
    }
    let app = App {
      ScopeInput(X.self); M()
    }
    try await app.start()
    let n = try await app.withScope(supplying: X(n: 1)) { scope in try await scope.get(Num.self).n }
    #expect(n == 2)
    try await app.stop()
  }

  @Test func `a scoped value that keeps a Lazy is let go with its scope`() async throws {
    let app = App {
      Provide { X() }.lifetime(.scoped); Provide { (l: Lazy<X>) in HoldsLazy(l) }.lifetime(.scoped)
    }
    try await app.start()
    let w = try await app.withScope { scope in
      let v = try await scope.get(HoldsLazy.self)
      _ = try await v.l.get()
      return Weak(v)
    }
    #expect(w.o == nil)
    try await app.stop()
  }

  @Test func `a scoped value that keeps its Scope is let go with it`() async throws {
    let app = App { Provide { (s: Scope) in HoldsScope(s) }.lifetime(.scoped) }
    try await app.start()
    let w = try await app.withScope { scope in Weak(try await scope.get(HoldsScope.self)) }
    #expect(w.o == nil)
    try await app.stop()
  }

  @Test func `what is still being built when a scope ends is stopped`() async throws {
    let gate = Gate(); let began = Flag(); let started = Flag(); let stopped = Flag()
    let app = App {
      Provide { () async -> X in
        began.hit(); await gate.wait(); return X()
      }.lifetime(.scoped)
        .onStart { _ in started.hit() }.onStop { _ in stopped.hit() }
    }
    try await app.start()
    let t = try await app.withScope { scope in
      let t = Task { try await scope.get(X.self) }
      _ = await soon { began.count == 1 }
      return t
    }
    gate.open()
    _ = await t.result
    #expect(started.count == stopped.count)
    try await app.stop()
  }

  @Test func `values that wait for each other in two tasks of a scope are an error`() async throws {
    let done = Flag(); let both = Flag()
    let app = App {
      Provide { (q: Lazy<Q>) async throws -> P in
        both.hit(); _ = await soon(300) { both.count == 2 }; _ = try await q.get(); return P()
      }.lifetime(.scoped)
      Provide { (p: Lazy<P>) async throws -> Q in
        both.hit(); _ = await soon(300) { both.count == 2 }; _ = try await p.get(); return Q()
      }.lifetime(.scoped)
    }
    try await app.start()
    let t = Task {
      try await app.withScope { scope in
        async let p = scope.get(P.self)
        async let q = scope.get(Q.self)
        _ = try? await p
        _ = try? await q
      }
      done.hit()
    }
    #expect(await soon { done.count == 1 })
    t.cancel()
  }

  @Test func `the time-out of a scope's stop hook is an event`() async throws {
    let gate = Gate(); let recorder = EventRecorder()
    var o = App.Options(); o.observers = [recorder]
    let app = App(o) { Provide { X() }.lifetime(.scoped).onStop(timeout: .milliseconds(30)) { _ in await gate.wait() } }
    try await app.start()
    do {
      try await app.withScope { scope in
        _ = try await scope.get(X.self); throw Boom()
      }
    } catch {}
    #expect(recorder.events.contains { if case .stopFailed = $0 { true } else { false } })
    gate.open()
    #expect(await soon { recorder.events.contains { if case .cameLate = $0 { true } else { false } } })
    try await app.stop()
  }

  @Test func `who is cancelled does not fail who waits for the same value`() async throws {
    let n = Flag()
    let app = App {
      Provide { () async throws -> X in
        n.hit(); try await Task.sleep(for: .milliseconds(200)); return X()
      }.lifetime(.scoped)
    }
    try await app.start()
    try await app.withScope { scope in
      let first = Task { try await scope.get(X.self) }
      #expect(await soon { n.count == 1 })
      let second = Task { try await scope.get(X.self) }
      await pause(50)
      first.cancel()
      _ = await first.result
      let r = await second.result
      #expect(throws: Never.self) { try r.get() }
    }
    try await app.stop()
  }

  @Test func `who is cancelled while another task builds a value waits no longer`() async throws {
    let (gate, began, refused) = (Gate(), Flag(), Flag())
    let app = App {
      Provide { () async -> X in
        began.hit()
        await gate.wait()
        return X()
      }.lifetime(.scoped)
    }
    try await app.start()
    try await app.withScope { scope in
      let first = Task { try await scope.get(X.self) }
      #expect(await soon { began.count == 1 })
      let second = Task {
        await #expect(throws: CancellationError.self) { try await scope.get(X.self) }
        refused.hit()
      }
      second.cancel()
      #expect(await soon { refused.count == 1 })
      gate.open()
      _ = try await first.value
    }
    try await app.stop()
  }
}
