/// Calls a function when the app starts, with everything it asks for built and started.
///
/// An `Invoke` is a root: what no `Invoke`, ``Run`` or ``Provide/eager()`` reaches is not built. Functions run concurrently, each
/// as soon as its parameters are there.
public struct Invoke: ModuleElement {
  let declaration: Declaration

  /// Calls `function` at start. If it throws, the start fails and is rolled back.
  public init<each Dependency: Sendable>(
    _ function: @escaping @Sendable (repeat each Dependency) async throws -> Void,
    file: StaticString = #fileID, line: UInt = #line
  ) {
    declaration = .constructing(.invoke, Site(fileID: file, line: line), function, outputs: [])
  }

  /// Adds the call to the application.
  public func register(in registry: inout Registry) {
    registry.add(declaration)
  }
}
