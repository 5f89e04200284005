/// A part of an app's life with values of its own: a request, a job, a connection.
///
/// ``App/withScope(_:)`` and ``ScopeFactory`` open one. Values provided with ``Lifetime/scoped`` are built in it when they are
/// first asked for, once, and stopped when it ends, in the reverse order. A scoped or transient value may ask for its `Scope`.
public final class Scope: Sendable {
  /// Nil for one that was injected: its value is kept by the scope, so it must not keep that.
  private let kept: ScopeStorage?
  private weak let known: ScopeStorage?

  init(_ storage: ScopeStorage, keeps: Bool = true) {
    kept = keeps ? storage : nil
    known = storage
  }

  var storage: ScopeStorage {
    get throws {
      guard let known else { throw ContainerError.scopeOver() }
      return known
    }
  }

  /// The value of a type in this scope: the scope's own, the app's, or a new one, as its lifetime says.
  public func get<Value: Sendable>(_ type: Value.Type = Value.self) async throws -> Value {
    let storage = try storage
    return try await storage.engine().value(of: type, in: storage)
  }

  /// Opens a scope inside this one: with scoped values of its own, and the inputs of this one unless given anew.
  public func withScope<Result, each Input: Sendable>(
    supplying inputs: repeat each Input, isolation: isolated (any Actor)? = #isolation,
    file: StaticString = #fileID, line: UInt = #line, _ body: (Scope) async throws -> Result
  ) async throws -> Result {
    let storage = try storage
    if storage.isClosed { throw ContainerError.noScopeInsideEnded() }
    let child = ScopeStorage(try storage.engine(), parent: storage)
    repeat try child.supply(each inputs)
    return try await child.run(Site(fileID: file, line: line), isolation: isolation, body)
  }
}

extension Scope: Injectable {
  static var requirement: Requirement { Requirement(key: Key(Scope.self), access: .scope) }

  static func inject(_ injector: Injector, _ index: Int) throws -> Scope {
    guard let storage = injector.scope else {
      throw ContainerError.needsScope(injector.engine.plan.origin(injector.node))
    }
    return Scope(storage, keeps: false)
  }
}
