/// What a value is asked for by: its type.
///
/// Two values of one type are told apart by a ``Tag``, which makes them values of two types.
public struct Key: Hashable, Sendable, CustomStringConvertible {
  let type: Any.Type

  /// The key of values of `type`.
  public init(_ type: Any.Type) {
    self.type = type
  }

  var id: ObjectIdentifier { ObjectIdentifier(type) }

  /// The type's name as a person would write it, with `any`, `?` and `[…]`.
  public var description: String { TypeName.short(type) }

  /// Two keys are one if their types are one.
  public static func == (left: Key, right: Key) -> Bool { left.id == right.id }

  /// Hashes the identity of the type.
  public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

/// Names of types for people. Demangling costs microseconds, so it is done for errors and pictures alone.
enum TypeName {
  static func short(_ type: Any.Type) -> String {
    name(type, qualified: false)
  }

  static func qualified(_ type: Any.Type) -> String {
    name(type, qualified: true)
  }

  private static func name(_ type: Any.Type, qualified: Bool) -> String {
    if let sugared = type as? any SugaredType.Type { return sugared.sugared { self.name($0, qualified: qualified) } }
    let name = _typeName(type, qualified: qualified)
    // A protocol's existential prints without its `any`; put it back, for that is what code must say.
    let metatype = _typeName(Swift.type(of: type), qualified: false)
    return metatype.hasSuffix(".Protocol") ? "any \(name)" : name
  }
}

/// A type that nobody writes by its name.
private protocol SugaredType {
  static func sugared(_ name: (Any.Type) -> String) -> String
}

extension Optional: SugaredType {
  static func sugared(_ name: (Any.Type) -> String) -> String {
    let wrapped = name(Wrapped.self)
    return wrapped.hasPrefix("any ") || wrapped.contains("->") ? "(\(wrapped))?" : "\(wrapped)?"
  }
}

extension Array: SugaredType {
  static func sugared(_ name: (Any.Type) -> String) -> String { "[\(name(Element.self))]" }
}

extension Dictionary: SugaredType {
  static func sugared(_ name: (Any.Type) -> String) -> String { "[\(name(Key.self)): \(name(Value.self))]" }
}
