/// Declares a value that is handed in when a scope is opened, as the request that the scope is for.
///
/// ```swift
/// ScopeInput(Request.self)
/// Provide { (request: Request) in Session(of: request) }.lifetime(.scoped)
/// …
/// try await app.withScope(supplying: request) { scope in try await scope.get(Session.self) }
/// ```
public struct ScopeInput<Value: Sendable>: ModuleElement {
  let declaration: Declaration

  /// Declares that scopes may be opened with a value of this type.
  public init(_ type: Value.Type, file: StaticString = #fileID, line: UInt = #line) {
    declaration = Declaration(
      .init(
        kind: .provide, site: Site(fileID: file, line: line), requirements: [], outputs: [Key(Value.self)],
        make: { injector in throw ContainerError.inputNotSupplied(injector.engine.plan.origin(injector.node)) },
        lifetime: .scoped, isScopeInput: true))
  }

  /// Adds the declaration to the application.
  public func register(in registry: inout Registry) {
    registry.add(declaration)
  }
}
