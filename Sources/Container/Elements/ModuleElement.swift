/// What a module is made of: ``Provide``, ``Supply``, ``Decorate``, ``Override``, ``Invoke``, ``Run`` and other modules.
///
/// An element of one's own is best written as a ``Module``: its `body` may hold any of these.
public protocol ModuleElement: Sendable {
  /// Adds the element to the application. Called once by ``App``; only the elements of this library have more to do here
  /// than to pass the call on.
  func register(in registry: inout Registry)
}

extension ModuleElement {
  /// Includes the element only if `condition` holds: `AuditModule().when(config.audit)`.
  ///
  /// The same as an `if` in the body, for where that reads better.
  public func when(_ condition: Bool) -> some ModuleElement {
    Conditional(element: self, isIncluded: condition)
  }
}

/// An element that may be left out.
struct Conditional<Element: ModuleElement>: ModuleElement {
  let element: Element
  let isIncluded: Bool

  func register(in registry: inout Registry) {
    if isIncluded { element.register(in: &registry) }
  }
}
