import Testing

@testable import EmbeddedPostgres

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A new folder for one test, which any user may pass through; removed afterwards.
struct TestFolder {
  let path: String

  static func with<R>(
    _ body: (TestFolder) async throws -> R, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> R {
    let made = try #require(
      FileSystem.makeUniqueDirectory(prefix: FileSystem.temporaryDirectory + "/keel-test-"),
      sourceLocation: sourceLocation)
    let path = try #require(FileSystem.realPath(made), sourceLocation: sourceLocation)
    chmod(path, 0o755)
    defer { _ = Tool.run(command: ["/bin/rm", "-rf", "--", path]) }
    return try await body(TestFolder(path: path))
  }

  func callAsFunction(_ name: String) -> String { path + "/" + name }
}

/// One `initdb` for a suite, in a folder that goes with it.
struct SharedTemplate: SuiteTrait, TestScoping {
  @TaskLocal static var current: TemplateCluster?

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await TestFolder.with { folder in
      try await Self.$current.withValue(TemplateCluster(directory: folder("templates"))) { try await function() }
    }
  }
}

extension Trait where Self == SharedTemplate {
  static var sharedTemplate: Self { Self() }
}

extension EmbeddedPostgres.Options {
  /// A temporary server, copied from the suite's template.
  static var test: Self {
    var options = Self.temporary
    options.template = SharedTemplate.current
    return options
  }

  /// Kept data in a test's folder, at a test's speed.
  static func kept(_ path: String) -> Self {
    var options = Self(dataDirectory: path)
    options.isThrowaway = true
    options.template = SharedTemplate.current
    return options
  }
}

extension EmbeddedPostgres {
  /// What psql prints for a statement, through the connection string that users get; a failure is an issue.
  @discardableResult
  func query(
    _ statement: String, database: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) -> String {
    let target = database.map(connectionString(database:)) ?? connectionString
    let outcome = Tool.run(command: [installation.program("psql"), "-XAtqw", "-d", target, "-c", statement])
    guard case .success(let outcome) = outcome, outcome.succeeded else {
      Issue.record("\(statement): \(outcome)", sourceLocation: sourceLocation)
      return ""
    }
    return String(outcome.output.trimmingSuffix { $0.isNewline })
  }

  /// A server for one test, stopped afterwards.
  @discardableResult
  static func with<R>(_ options: Options, _ body: (EmbeddedPostgres) async throws -> R) async throws -> R {
    let server = try await start(options)
    do {
      let result = try await body(server)
      await server.stop()
      return result
    } catch {
      await server.stop()
      throw error
    }
  }
}

extension String {
  fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
    var rest = self[...]
    while let last = rest.last, predicate(last) { rest.removeLast() }
    return rest
  }
}

/// Waits for a condition that another process brings about.
func eventually(
  within limit: Duration = .seconds(60), _ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation,
  _ condition: () -> Bool
) async throws {
  let deadline = ContinuousClock.now + limit
  while !condition() {
    try #require(ContinuousClock.now < deadline, comment, sourceLocation: sourceLocation)
    // A breath between two looks, not on the pool.
    await offPool { _ in _ = poll(nil, 0, 5) }
  }
}

func isAlive(_ process: pid_t) -> Bool { kill(process, 0) == 0 || errno == EPERM }
