/// Opens scopes: ask for it as a parameter, where a request or a job begins.
///
/// ```swift
/// Provide { (scopes: ScopeFactory) in
///   Route(.post, "/orders") { request in
///     try await scopes.withScope(supplying: request) { scope in try await scope.get(PlaceOrder.self).run() }
///   }
/// }.grouped()
/// ```
public final class ScopeFactory: Sendable {
  private weak let engine: Engine?

  init(_ engine: Engine) {
    self.engine = engine
  }

  /// Opens a scope for the time of `body`, and stops its values when that returns, throws or is cancelled.
  ///
  /// - Parameter inputs: Values for the ``ScopeInput`` of their types.
  public func withScope<Result, each Input: Sendable>(
    supplying inputs: repeat each Input, isolation: isolated (any Actor)? = #isolation,
    file: StaticString = #fileID, line: UInt = #line, _ body: (Scope) async throws -> Result
  ) async throws -> Result {
    guard let engine else { throw ContainerError.appGone() }
    let storage = ScopeStorage(engine, parent: nil)
    repeat try storage.supply(each inputs)
    return try await storage.run(Site(fileID: file, line: line), isolation: isolation, body)
  }
}

extension ScopeFactory: Injectable {
  static var requirement: Requirement { Requirement(key: Key(ScopeFactory.self), access: .scopeFactory) }

  static func inject(_ injector: Injector, _ index: Int) throws -> ScopeFactory { ScopeFactory(injector.engine) }
}

extension App {
  /// Opens a scope for the time of `body`, and stops its values when that returns, throws or is cancelled.
  ///
  /// ```swift
  /// try await app.withScope(supplying: request) { scope in
  ///   try await scope.get(PlaceOrder.self).run()
  /// }
  /// ```
  ///
  /// - Parameter inputs: Values for the ``ScopeInput`` of their types.
  /// - Throws: What `body` throws; else what stopping the scope's values failed with.
  public func withScope<Result, each Input: Sendable>(
    supplying inputs: repeat each Input, isolation: isolated (any Actor)? = #isolation,
    file: StaticString = #fileID, line: UInt = #line, _ body: (Scope) async throws -> Result
  ) async throws -> Result {
    let storage = ScopeStorage(engine, parent: nil)
    repeat try storage.supply(each inputs)
    return try await storage.run(Site(fileID: file, line: line), isolation: isolation, body)
  }
}
