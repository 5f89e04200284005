/// A named part of an application: what it provides, and what runs because it is there.
///
/// A module is a plain struct. Its stored properties are its parameters; its `body` lists elements and may use `if`, `switch`
/// and `for`. Modules nest. What is declared `private`, and what is decorated, concerns the module and its children.
///
/// ```swift
/// struct UsersModule: Module {
///   var body: [any ModuleElement] {
///     Provide(PgUserRepository.init(pool:)).as((any UserRepository).self) { $0 }
///     Provide(UserRoutes.init(users:)).grouped()
///   }
/// }
/// ```
public protocol Module: ModuleElement {
  /// What errors, events and the graph call the module; the type's name unless said otherwise.
  var name: String { get }

  /// The elements of the module.
  @ModuleBuilder var body: [any ModuleElement] { get }
}

extension Module {
  /// The type's name.
  public var name: String { TypeName.short(Self.self) }

  /// Adds the module and everything in it.
  public func register(in registry: inout Registry) {
    registry.withModule(self) { registry in
      for element in body { element.register(in: &registry) }
    }
  }
}
