/// Changes a value for the module it is declared in and that module's children.
///
/// The function takes the value as it is outside, and other dependencies if it likes, and returns the value as it is
/// inside. Several stack in the order of declaration; a module's own come after those of its parents.
///
/// ```swift
/// Decorate { (log: Logger) in log.with("module", "users") }
/// ```
public struct Decorate: ModuleElement {
  let declaration: Declaration

  /// Decorates the type that `function` returns; a whole group if that is a ``Group``.
  public init<each Dependency: Sendable, Output: Sendable>(
    _ function: @escaping @Sendable (repeat each Dependency) async throws -> Output,
    file: StaticString = #fileID, line: UInt = #line
  ) {
    declaration = .constructing(.decorate, Site(fileID: file, line: line), function)
  }

  /// Adds the decoration to the application.
  public func register(in registry: inout Registry) {
    registry.add(declaration)
  }
}
