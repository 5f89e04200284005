/// Which element of an application something is about: what it declares, in which module, at which line.
public struct Origin: Sendable, Hashable, CustomStringConvertible {
  /// What kind of element.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// ``Container/Provide``.
    case provide
    /// ``Container/Supply``.
    case supply
    /// ``Container/Decorate``.
    case decorate
    /// ``Container/Override``.
    case override
    /// ``Container/Invoke``.
    case invoke
    /// ``Container/Run``.
    case run
    /// A scope that somebody opened, by ``App/withScope(_:)`` and the like.
    case scope
  }

  /// What kind of element it is.
  public let kind: Kind

  /// The provided type, or what an `Invoke` or `Run` is called.
  public let name: String

  /// The module the element stands in, from the outermost: `App/UsersModule`.
  public let module: String

  /// Where the element is written.
  public let location: SourceLocation

  /// One line: `PostgresPool  (DatabaseModule, App/Database.swift:12)`.
  public var description: String { "\(name)  (\(module), \(location))" }
}
