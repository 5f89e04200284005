/// What a request asks for, such as `GET`.
///
/// Methods are case-sensitive tokens; any token is allowed, so that WebDAV and the like can be served.
public struct HTTPMethod: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The method as it stands in the request line.
  public let rawValue: String

  /// Any method, well known or not.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Reads a resource; changes nothing.
  public static let get = HTTPMethod(rawValue: "GET")
  /// As `GET`, without the body. Routes for `GET` answer it by themselves.
  public static let head = HTTPMethod(rawValue: "HEAD")
  /// Hands something over for processing.
  public static let post = HTTPMethod(rawValue: "POST")
  /// Creates or replaces a resource.
  public static let put = HTTPMethod(rawValue: "PUT")
  /// Changes a part of a resource.
  public static let patch = HTTPMethod(rawValue: "PATCH")
  /// Removes a resource.
  public static let delete = HTTPMethod(rawValue: "DELETE")
  /// Asks what is allowed. Answered from the routes unless one is declared for it.
  public static let options = HTTPMethod(rawValue: "OPTIONS")

  /// The method as it stands in the request line.
  public var description: String { rawValue }
}
