/// A text that is compared without regard to case: the type of PostgreSQL's extension `citext`.
///
/// A `String` does where the server knows from the place that `citext` is meant; arrays and composites need this type.
public struct PostgresCIText: RawRepresentable, Sendable, Codable, ExpressibleByStringLiteral {
  /// The text as it was written.
  public let rawValue: String

  /// From a text.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// From a literal.
  public init(stringLiteral text: String) { rawValue = text }
}

extension PostgresCIText: Hashable, CustomStringConvertible {
  /// Whether they differ in case only.
  public static func == (left: PostgresCIText, right: PostgresCIText) -> Bool {
    left.rawValue.lowercased() == right.rawValue.lowercased()
  }

  /// As equality has it.
  public func hash(into hasher: inout Hasher) { hasher.combine(rawValue.lowercased()) }

  /// The text as it was written.
  public var description: String { rawValue }
}

extension PostgresCIText: PostgresCodable {
  /// `citext`, by its name.
  public static var postgresType: PostgresType { PostgresType(named: "citext") }
}
