/// Tells two providers of one type apart.
///
/// ```swift
/// enum Replica: Tag {}
/// Provide(makeReplica).tagged(Replica.self)
/// Invoke { (pool: Tagged<Replica, PostgresPool>) in … }
/// ```
///
/// A tag is never instantiated; an empty enum is the natural one.
public protocol Tag: Sendable {}

/// A value that was provided under a tag.
///
/// Members of the value are reached directly: `pool.close` is `pool.value.close`.
@dynamicMemberLookup
public struct Tagged<Name: Tag, Value: Sendable>: Sendable {
  /// The value itself.
  public let value: Value

  /// Wraps a value, for calling by hand what the container would call.
  public init(_ value: Value) {
    self.value = value
  }

  /// Reads a member of the value.
  public subscript<Member>(dynamicMember path: KeyPath<Value, Member>) -> Member {
    value[keyPath: path]
  }
}

/// Seen through `Tagged` without its parameters, to tell a wrong tag from a missing type.
protocol TaggedType {
  static var untagged: Key { get }
}

extension Tagged: TaggedType {
  static var untagged: Key { Key(Value.self) }
}
