/// A built value with its type erased.
///
/// Unchecked because Swift cannot see that a class with a subclass is immutable: the only subclass is `Box`, it is final, and
/// its one stored property is a `let`, and its initialiser takes only `Sendable` values.
class AnyBox: @unchecked Sendable {
  fileprivate init() {}

  /// The value, if it is an object.
  var object: AnyObject? { nil }

}

/// A built value.
///
/// `Value` has no constraint, for what reads it need not know that it is `Sendable`; only such a value can be put in.
final class Box<Value>: AnyBox, @unchecked Sendable {
  let value: Value

  init(_ value: Value) where Value: Sendable {
    self.value = value
  }

  override var object: AnyObject? {
    guard type(of: value as Any) is AnyClass else { return nil }
    return value as AnyObject
  }
}

extension AnyBox {
  /// The value, whose type the caller knows.
  ///
  /// No dynamic cast (it costs more than the rest of a read) and none needed: a slot belongs to one key, a key is a type, and
  /// `Plan` binds a parameter of type `Value` only to slots of `Key(Value.self)`. Debug builds check it all the same.
  func value<Value>(as type: Value.Type = Value.self) -> Value {
    unsafeDowncast(self, to: Box<Value>.self).value
  }
}
