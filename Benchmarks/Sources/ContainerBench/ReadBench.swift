import Container
import Synchronization

/// Reading a singleton that has been built: `app.get` and an opened `Lazy`.
enum ReadBench {
  /// So large that no two objects of it have one cache line.
  final class Target: Sendable {
    private let room = InlineArray<16, Int>(repeating: 0)
  }
  final class Other: Sendable {
    private let room = InlineArray<16, Int>(repeating: 0)
  }
  /// Has no object in it: reading it counts no references.
  struct Number: Sendable {
    var number = 1
  }
  struct Holder: Sendable { let lazy: Lazy<Target> }

  static func run() async throws {
    let app = App {
      Provide { Target() }.eager()
      Provide { Other() }.eager()
      Provide { Number() }.eager()
      Provide { (lazy: Lazy<Target>) in Holder(lazy: lazy) }
    }
    try await app.start()
    let holder = try await app.get(Holder.self)
    _ = try await holder.lazy.get()
    let count = 20_000
    try await report("app.get, 1 task", count) { try await get(Target.self, app, count) }
    try await report("app.get, 1 task, a struct", count) { try await get(Number.self, app, count) }
    // What two tasks share tells where they wait for each other: the object, or the container.
    try await report("app.get, 2 tasks, one object", count) {
      async let other: Void = get(Target.self, app, count)
      try await get(Target.self, app, count)
      try await other
    }
    try await report("app.get, 2 tasks, an object each", count) {
      async let other: Void = get(Other.self, app, count)
      try await get(Target.self, app, count)
      try await other
    }
    try await report("app.get, 2 tasks, one struct", count) {
      async let other: Void = get(Number.self, app, count)
      try await get(Number.self, app, count)
      try await other
    }
    let references = References()
    await report("no container, 2 tasks count one object's references", count) {
      async let other: Void = references.retainAndRelease(count)
      await references.retainAndRelease(count)
      await other
    }
    try await report("Lazy.get, 1 task", count) { for _ in 0..<count { _ = try await holder.lazy.get() } }
    try await app.stop()
  }

  private static func get<Value: Sendable>(_ type: Value.Type, _ app: App, _ count: Int) async throws {
    for _ in 0..<count { _ = try await app.get(type) }
  }

  /// What a read does to the object it returns: one up, one down, on one counter.
  final class References: Sendable {
    private let count = Atomic(0)

    func retainAndRelease(_ times: Int) async {
      for _ in 0..<times {
        count.wrappingAdd(1, ordering: .relaxed)
        count.wrappingSubtract(1, ordering: .releasing)
      }
    }
  }

  private static func report(_ name: String, _ count: Int, _ body: () async throws -> Void) async rethrows {
    func nanoseconds(_ duration: Duration) -> Double {
      let (seconds, attoseconds) = duration.components
      return ((Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / Double(count) * 10).rounded() / 10
    }
    let times = try await measure(100, body)
    print("\(name): \(nanoseconds(times.median)) ns a read, at best \(nanoseconds(times.best))")
  }
}
