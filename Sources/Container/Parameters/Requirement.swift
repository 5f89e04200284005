/// What a constructor asks of the container by the type of one of its parameters.
struct Requirement: Sendable, Hashable {
  enum Access: Sendable, Hashable {
    case value
    case group
    case lazy
    case factory
    case lifecycle
    case scope
    case scopeFactory
    case appControl
    case shutdownSignal
  }

  var key: Key
  var access: Access
  var isOptional = false
  /// The key of the parameter's own type, `Group<T>`, `Lazy<T>`, `Factory<T>` or `T?`: who provides that comes first, and a
  /// group is decorated under it.
  var whole: Key?

  /// What a parameter of type `type` asks for. One dynamic cast, at registration; none later for plain values.
  static func of(_ type: Any.Type) -> Requirement {
    if let injectable = type as? any Injectable.Type {
      return injectable.requirement
    }
    return Requirement(key: Key(type), access: .value)
  }

  /// As it is written in code: `Cache?`, `Group<Route>`.
  var description: String {
    let name =
      switch access {
      case .value, .lifecycle, .scope, .scopeFactory, .appControl, .shutdownSignal: key.description
      case .group: "Group<\(key)>"
      case .lazy: "Lazy<\(key)>"
      case .factory: "Factory<\(key)>"
      }
    return isOptional ? "\(name)?" : name
  }
}

/// A parameter type with a meaning of its own to the container.
///
/// Every other type is a key.
protocol Injectable {
  static var requirement: Requirement { get }

  /// The argument for parameter `index` of the constructor that `injector` serves.
  static func inject(_ injector: Injector, _ index: Int) throws -> Self
}

extension Optional: Injectable {
  static var requirement: Requirement {
    var requirement = Requirement.of(Wrapped.self)
    requirement.isOptional = true
    if requirement.access == .value { requirement.whole = Wrapped.self is any OptionalType.Type ? nil : Key(Self.self) }
    return requirement
  }

  static func inject(_ injector: Injector, _ index: Int) throws -> Wrapped? {
    switch injector.binding(index) {
    case .absent: return nil
    case .optional(let source):
      // `T??`: what is in the box is a `T`.
      if Wrapped.self is any OptionalType.Type { return try injector.argument(index, as: Wrapped.self) }
      return try injector.box(source, index).value(as: Wrapped.self)
    // `Lazy<T>?` and the like: what is wrapped has a meaning of its own.
    case .source, .group, .lazy, .factory, .builtin: return try injector.argument(index, as: Wrapped.self)
    }
  }
}

/// Seen through `Optional` without its parameter.
protocol OptionalType {
  static var wrapped: Key { get }
}

extension Optional: OptionalType {
  static var wrapped: Key { Key(Wrapped.self) }
}

/// Seen through `Group` without its parameter, to decorate a whole group.
protocol GroupType {
  static var elementKey: Key { get }
}

extension Group: GroupType {
  static var elementKey: Key { Key(Element.self) }
}

extension Group: Injectable {
  static var requirement: Requirement { Requirement(key: Key(Element.self), access: .group, whole: Key(Self.self)) }

  static func inject(_ injector: Injector, _ index: Int) throws -> Group<Element> {
    guard case .group(let sources) = injector.binding(index) else { throw injector.defect }
    return Group(try sources.indices.map { try injector.box(sources[$0], index, member: $0).value(as: Element.self) })
  }
}
