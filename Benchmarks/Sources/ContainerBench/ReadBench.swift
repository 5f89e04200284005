import Container

/// Reading a singleton that has been built: `app.get` and an opened `Lazy`.
enum ReadBench {
  final class Target: Sendable {}
  struct Holder: Sendable { let lazy: Lazy<Target> }

  static func run() async throws {
    let app = App {
      Provide { Target() }
      Provide { (lazy: Lazy<Target>) in Holder(lazy: lazy) }
    }
    try await app.start()
    let holder = try await app.get(Holder.self)
    _ = try await holder.lazy.get()
    let count = 20_000
    try await report("app.get, 1 task", count) { try await get(app, count) }
    try await report("app.get, 2 tasks", count) {
      async let other: Void = get(app, count)
      try await get(app, count)
      try await other
    }
    try await report("Lazy.get, 1 task", count) { for _ in 0..<count { _ = try await holder.lazy.get() } }
    try await app.stop()
  }

  private static func get(_ app: App, _ count: Int) async throws {
    for _ in 0..<count { _ = try await app.get(Target.self) }
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
