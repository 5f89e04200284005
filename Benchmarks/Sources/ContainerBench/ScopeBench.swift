import Container

/// Opening and ending scopes, as for every request.
enum ScopeBench {
  struct Request: Sendable { var number = 1 }
  final class Session: Sendable {}
  final class Unit: Sendable {}
  final class Hooked: Sendable {}

  /// - Parameter runs: How often each is measured; few for a profile.
  static func run(_ runs: Int) async throws {
    let app = App {
      ScopeInput(Request.self)
      Provide { (_: Request) in Session() }.lifetime(.scoped)
      Provide { (_: Session) in Unit() }.lifetime(.scoped)
      Provide { Hooked() }.lifetime(.scoped).onStart { _ in }.onStop { _ in }
    }
    try await app.start()
    try await report("withScope, nothing asked for", runs, 5000) { try await app.withScope { _ in } }
    try await report("withScope, an input and two values", runs, 5000) {
      try await app.withScope(supplying: Request()) { scope in _ = try await scope.get(Unit.self) }
    }
    try await report("withScope, a value with hooks", runs, 1000) {
      try await app.withScope { scope in _ = try await scope.get(Hooked.self) }
    }
    try await app.stop()
  }

  private static func report(
    _ name: String, _ runs: Int, _ count: Int, _ body: () async throws -> Void
  ) async throws {
    let times = try await measure(runs) { for _ in 0..<count { try await body() } }
    func nanoseconds(_ duration: Duration) -> Int { Int(duration / .nanoseconds(1)) / count }
    print("\(name): \(nanoseconds(times.median)) ns, at best \(nanoseconds(times.best)) ns")
  }
}
