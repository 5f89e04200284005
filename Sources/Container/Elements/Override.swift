/// Replaces the provider of a type, wherever that stands: for tests, and for builds of an app that differ in one part.
///
/// The replaced provider is as if it had not been written: its constructor and its hooks do not run, and nothing need be there
/// that it asks for. The new value lives as long as the one it replaces and is seen by the same modules; hooks are what the
/// override itself declares, and in place of a transient value it can have none. Of several overrides of one type the last
/// counts. One takes the place of all private providers of its type too, which must be of one lifetime. A ``ScopeInput`` can be
/// overridden too: scopes then have the new value, whatever they are opened with. To override what nobody provides is an error.
///
/// ```swift
/// let app = App { AppModule(); Override { FakeMailer() as any Mailer } }
/// ```
public struct Override<Output: Sendable>: ModuleElement {
  let declaration: Declaration

  init(_ declaration: Declaration) {
    self.declaration = declaration
  }

  /// Replaces the provider of `Output` by `construct`.
  public init<each Dependency: Sendable>(
    _ construct: @escaping @Sendable (repeat each Dependency) async throws -> Output,
    file: StaticString = #fileID, line: UInt = #line
  ) {
    declaration = .constructing(.override, Site(fileID: file, line: line), construct)
  }

  /// Replaces the provider of another type, to which the value is converted.
  public func `as`<Other: Sendable>(
    _ type: Other.Type, _ convert: @escaping @Sendable (Output) -> Other
  ) -> Override<Other> {
    Override<Other>(declaration.converting(from: Output.self, convert))
  }

  /// Replaces the provider of the tagged type.
  public func tagged<Name: Tag>(_ tag: Name.Type) -> Override<Tagged<Name, Output>> {
    Override<Tagged<Name, Output>>(declaration.converting(from: Output.self) { Tagged<Name, Output>($0) })
  }

  /// Runs `action` at start; see ``Provide/onStart(timeout:_:file:line:)``.
  public func onStart<each Dependency: Sendable>(
    timeout: Duration? = nil,
    _ action: @escaping @Sendable (Output, repeat each Dependency) async throws -> Void,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Self {
    Self(declaration.with { $0.addStart(Site(fileID: file, line: line), timeout, action) })
  }

  /// Runs `action` at stop; see ``Provide/onStop(timeout:_:file:line:)``.
  public func onStop<each Dependency: Sendable>(
    timeout: Duration? = nil,
    _ action: @escaping @Sendable (Output, repeat each Dependency) async throws -> Void,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Self {
    Self(declaration.with { $0.addStop(Site(fileID: file, line: line), timeout, action) })
  }

  /// Adds the override to the application.
  public func register(in registry: inout Registry) {
    registry.add(declaration)
  }
}
