import Container

/// Reading a singleton that has been built: `app.get` and an opened `Lazy`.
enum ReadBench {
  final class Target: Sendable {}

  /// Longer than a cache line, so that no other object's reference count can be in the same.
  final class Other: Sendable {
    let padding: (InlineLine, InlineLine, InlineLine) = (InlineLine(), InlineLine(), InlineLine())
  }

  struct InlineLine: Sendable { let words = (0, 0, 0, 0, 0, 0, 0, 0) }

  struct Plain: Sendable { var number = 1 }
  struct Holder: Sendable { let lazy: Lazy<Target> }

  static func run() async throws {
    let app = App {
      Provide { Target() }
      Provide { Other() }
      Provide { Plain() }
      Provide { (lazy: Lazy<Target>) in Holder(lazy: lazy) }
    }
    try await app.start()
    let holder = try await app.get(Holder.self)
    _ = try await app.get(Other.self)
    _ = try await app.get(Plain.self)
    _ = try await holder.lazy.get()
    let count = 20_000
    try await report("app.get, 1 task", count) { try await get(app, Target.self, count) }
    try await report("app.get, 2 tasks, one object", count) {
      async let other: Void = get(app, Target.self, count)
      try await get(app, Target.self, count)
      try await other
    }
    // What two tasks share in these is the container alone: it must not be what they wait for.
    try await report("app.get, 2 tasks, two objects", count) {
      async let other: Void = get(app, Other.self, count)
      try await get(app, Target.self, count)
      try await other
    }
    try await report("app.get, 1 task, a struct", count) { try await get(app, Plain.self, count) }
    try await report("app.get, 2 tasks, a struct", count) {
      async let other: Void = get(app, Plain.self, count)
      try await get(app, Plain.self, count)
      try await other
    }
    try await report("Lazy.get, 1 task", count) { for _ in 0..<count { _ = try await holder.lazy.get() } }
    try await app.stop()
  }

  private static func get<Value: Sendable>(_ app: App, _ type: Value.Type, _ count: Int) async throws {
    for _ in 0..<count { _ = try await app.get(type) }
  }

  private static func report(_ name: String, _ count: Int, _ body: () async throws -> Void) async throws {
    func nanoseconds(_ duration: Duration) -> Double {
      let (seconds, attoseconds) = duration.components
      return ((Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / Double(count) * 10).rounded() / 10
    }
    let times = try await measure(100, body)
    print("\(name): \(nanoseconds(times.median)) ns a read, at best \(nanoseconds(times.best))")
  }
}
