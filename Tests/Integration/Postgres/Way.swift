import DatabaseTesting
import Postgres
import Testing

/// How the connections of a test reach the server, and by which protocol statements go.
struct Way: Sendable {
  let isThroughPgBouncer: Bool
  let mode: StatementCacheMode

  /// That of the current test.
  @TaskLocal static var current = Way.direct

  static let direct = Way(isThroughPgBouncer: false, mode: .prepare)
  static let directSimple = Way(isThroughPgBouncer: false, mode: .simple)
  static let described = Way(isThroughPgBouncer: true, mode: .describe)
  static let simple = Way(isThroughPgBouncer: true, mode: .simple)

  var name: String { "\(isThroughPgBouncer ? "behind PgBouncer" : "directly"), in mode \(mode.rawValue)" }

  func apply(to options: inout ConnectOptions) async throws {
    if isThroughPgBouncer { try await PgBouncer.shared.value.redirect(&options) }
    options.statementCacheMode = mode
  }
}

/// Runs a test once by each way, but for those that it is excepted from.
struct Ways: TestTrait, SuiteTrait, TestScoping {
  let ways: [Way]
  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    let exceptions = test.traits.compactMap { $0 as? Except }
    for way in ways where !exceptions.contains(where: { $0.covers(way) }) {
      let named = IssueHandlingTrait.compactMapIssues { issue in
        var issue = issue
        issue.comments.append("\(way.name)")
        return issue
      }
      try await named.provideScope(for: test, testCase: testCase) {
        try await Way.$current.withValue(way, operation: function)
      }
    }
  }
}

/// Keeps a test from a way in which it cannot hold, and says why.
struct Except: TestTrait {
  enum Subject { case pgBouncer, simple }
  let subject: Subject
  let comments: [Comment]

  func covers(_ way: Way) -> Bool {
    switch subject {
    case .pgBouncer: way.isThroughPgBouncer
    case .simple: way.mode == .simple
    }
  }
}

extension Trait where Self == Ways {
  /// Directly, and behind a pooler in transaction mode by either protocol that works there. Of every suite that needs no
  /// server and no session of its own.
  static var everyWay: Self { Self(ways: [.direct, .described, .simple]) }
}

extension Trait where Self == Except {
  static func except(_ subject: Except.Subject, _ reason: Comment) -> Self {
    Self(subject: subject, comments: [reason])
  }
}

/// As DatabaseTesting's function of the same name, by whichever way the test's trait says.
func withTestDatabase<Result: Sendable>(
  _ template: DatabaseTemplate = .empty, configure: (inout PostgresPool.Configuration) -> Void = { _ in },
  isolation: isolated (any Actor)? = #isolation, _ body: (PostgresPool) async throws -> Result
) async throws -> Result {
  let way = Way.current
  let bouncer = way.isThroughPgBouncer ? try await PgBouncer.shared.value : nil
  return try await TestDatabase.with(
    template,
    configure: { configuration in
      bouncer?.redirect(&configuration.connect)
      configuration.connect.statementCacheMode = way.mode
      // On a busy machine a connection may miss the time of a ping, and tests count connections.
      configuration.pingAfterIdle = .seconds(3600)
      configure(&configuration)
    }, { try await body($0.pool) })
}
