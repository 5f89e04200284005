/// A parameter that no log shows, whatever is configured: a password, a token, a key.
///
/// It is sent as its value is; only its description differs.
public struct Sensitive<Value: PostgresEncodable>: PostgresEncodable, CustomStringConvertible, CustomReflectable {
  private let value: Value

  /// Marks a value.
  public init(_ value: Value) { self.value = value }

  /// The value's type.
  public static var postgresType: PostgresType { Value.postgresType }

  /// As the value.
  public var isNull: Bool { value.isNull }

  /// As the value.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) { try value.encode(into: &buffer) }

  /// `<REDACTED>`.
  public var description: String { "<REDACTED>" }

  /// Hides the value from `dump` and debuggers' summaries.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
