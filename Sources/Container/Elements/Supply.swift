/// Provides values that exist already, each under its own type.
///
/// ```swift
/// Supply(Clock.system, 42)
/// Supply(file as any Storage)       // under the protocol
/// ```
public struct Supply<each Value: Sendable>: ModuleElement {
  let declaration: Declaration

  /// Provides `values`.
  public init(_ values: repeat each Value, file: StaticString = #fileID, line: UInt = #line) {
    var parts: [AnyBox] = []
    var outputs = Few<Key>()
    repeat outputs.append(Key((each Value).self))
    repeat parts.append(Box(each values))
    let made = Made(value: Box(()), parts: parts)
    declaration = Declaration(
      .init(
        kind: .supply, site: Site(fileID: file, line: line), requirements: [], outputs: outputs, make: { _ in made }))
  }

  private init(_ declaration: Declaration) {
    self.declaration = declaration
  }

  /// Contributes each value to the group of its type.
  ///
  /// - Parameter order: Members come in this order, those of one order in the order of the modules.
  public func grouped(order: Int = 0) -> Self {
    Self(
      declaration.with {
        $0.isGrouped = true
        $0.groupOrder = order
      })
  }

  /// Hides the values from all but the module they are declared in, and that module's children.
  public func `private`() -> Self {
    Self(declaration.with { $0.isPrivate = true })
  }

  /// Adds the values to the application.
  public func register(in registry: inout Registry) {
    registry.add(declaration)
  }
}
