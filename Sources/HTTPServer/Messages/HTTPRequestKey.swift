/// The name of a value that middleware hands to handlers with the request.
///
/// ```swift
/// enum UserKey: HTTPRequestKey { typealias Value = User }
///
/// extension HTTPRequest {
///   /// Who asks. A route that no ``BearerAuth`` stands around answers 401, and not to everybody.
///   var user: User {
///     get throws {
///       guard let user = self[UserKey.self] else { throw HTTPError(.unauthorized) }
///       return user
///     }
///   }
/// }
/// ```
///
/// The key is a type, so that no two libraries take the same by chance; no value of it is ever made.
public protocol HTTPRequestKey {
  /// What stands under the key.
  associatedtype Value: Sendable
}

extension HTTPRequest {
  /// The value that middleware put under a key; nil if none did.
  ///
  /// A request is a value: what a middleware puts in reaches those to whom it hands that copy, with `next(request)`.
  public subscript<Key: HTTPRequestKey>(key: Key.Type) -> Key.Value? {
    get {
      // In two steps: a value may be an optional itself.
      guard let value = values[ObjectIdentifier(key)] else { return nil }
      return value as? Key.Value
    }
    set { values[ObjectIdentifier(key)] = newValue }
  }
}
