/// One thing that is wrong with a configuration: what, and where.
public struct ConfigurationFault: Sendable, Hashable {
  /// What kind of fault it is.
  public struct Code: Sendable, Hashable {
    private enum Kind {
      case unknownKey, invalidValue, missing, duplicateKey, unsupported, malformed, unreadable, declaration
    }

    private let kind: Kind

    /// A key that no setting has.
    public static let unknownKey = Code(kind: .unknownKey)
    /// A value of the wrong type or unit, or outside what the setting takes.
    public static let invalidValue = Code(kind: .invalidValue)
    /// A required setting that no source sets.
    public static let missing = Code(kind: .missing)
    /// A key that stands twice in one section.
    public static let duplicateKey = Code(kind: .duplicateKey)
    /// YAML that configuration files may not use, such as anchors.
    public static let unsupported = Code(kind: .unsupported)
    /// Text that is not YAML.
    public static let malformed = Code(kind: .malformed)
    /// A file that cannot be read.
    public static let unreadable = Code(kind: .unreadable)
    /// Settings of the program itself that contradict each other.
    public static let declaration = Code(kind: .declaration)
  }

  /// What kind of fault it is.
  public let code: Code
  /// The place, if there is one.
  public let source: ConfigurationSource?
  /// The path of the key concerned, such as `database.url`, if there is one.
  public let path: String?
  /// What is wrong and what to do.
  public let message: String

  /// A fault that a module finds itself, such as two settings that contradict each other.
  public init(_ code: Code, at source: ConfigurationSource?, path: String? = nil, _ message: String) {
    self.code = code
    self.source = source
    self.path = path
    self.message = message
  }
}

extension ConfigurationFault: CustomStringConvertible {
  /// The place and the message: `keel.yaml:3:5: unknown key 'database.ulr' (did you mean 'database.url'?)`.
  public var description: String {
    source.map { "\($0): \(message)" } ?? message
  }
}
