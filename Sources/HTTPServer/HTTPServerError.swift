internal import EventLoop

/// Why a server could not be set up or started, or a handler was written wrongly.
public struct HTTPServerError: Error, Sendable, CustomStringConvertible {
  /// The kind of failure.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Kind: Sendable, Hashable {
      case addressInUse, cannotListen, invalidAddress, invalidConfiguration, invalidRoutes
      case noSuchParameter, invalidHeader, alreadyStarted, cannotStart, unreadableResponse
    }
    private let kind: Kind

    /// Someone else listens there.
    public static let addressInUse = Code(kind: .addressInUse)
    /// The system does not let us listen there.
    public static let cannotListen = Code(kind: .cannotListen)
    /// The text is not an address.
    public static let invalidAddress = Code(kind: .invalidAddress)
    /// A value of the configuration makes no sense.
    public static let invalidConfiguration = Code(kind: .invalidConfiguration)
    /// Routes contradict each other or are misspelt.
    public static let invalidRoutes = Code(kind: .invalidRoutes)
    /// A handler asked for a parameter that its route does not have.
    public static let noSuchParameter = Code(kind: .noSuchParameter)
    /// A response had a header field that would break the message.
    public static let invalidHeader = Code(kind: .invalidHeader)
    /// A server starts once.
    public static let alreadyStarted = Code(kind: .alreadyStarted)
    /// The HTTP library refused to start.
    public static let cannotStart = Code(kind: .cannotStart)
    /// A test asked for a value that the body of a response does not hold.
    public static let unreadableResponse = Code(kind: .unreadableResponse)

    /// The name of the code.
    public var description: String { "\(kind)" }
  }

  /// The kind of failure.
  public let code: Code
  /// What failed, on which subject, what to do.
  public let description: String

  init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }

  /// What to do about what the system refused, to be put behind its word for it.
  static func hint(forErrno cause: Int32) -> String { DescriptorLimit.advice(forErrno: cause).map { "; \($0)" } ?? "" }

  static func noSuchParameter(_ name: String, route: String, known: [String]) -> HTTPServerError {
    let has = known.isEmpty ? "it has none" : "it has: \(known.joined(separator: ", "))"
    return HTTPServerError(.noSuchParameter, "route \(route) has no parameter “\(name)”; \(has)")
  }

  static func invalidHeader(_ name: String) -> HTTPServerError {
    HTTPServerError(
      .invalidHeader,
      "header field “\(name)” was not sent: a name is a token and a value has no control characters; check what it was made of"
    )
  }
}
