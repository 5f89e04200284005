/// A typed, documented setting: its path, default and meaning, declared beside the module that reads it.
///
/// ```swift
/// enum MailSettings {
///   static let server = Setting("mail.server", default: "localhost", "Host name of the mail server.")
///   static let timeout = Setting("mail.timeout", default: Duration.seconds(5), "How long a delivery may take.")
///   static let password = Setting<Secret<String>?>("mail.password", default: nil, "Password, if the server asks.")
///   static let sender = Setting<String>(required: "mail.sender", "Address that mail is sent from.")
///   static let catalog = SettingsCatalog("mail", server, timeout, password, sender)
/// }
/// ```
///
/// One that is required has no default: to read it where nobody sets it is an error, and `serve`, `doctor` and
/// `config check` say so before anything is started.
///
/// The path is also the way through a YAML file (`mail:` then `server:`), the name of an environment variable
/// (`MAIL_SERVER`) and of a flag (`--mail-server`).
public struct Setting<Value: Sendable>: Sendable {
  /// The keys from the root of the file, with dots between them: `database.max_conns`.
  public let path: String
  /// What the value is where no source sets it; nil when one has to.
  public let defaultValue: Value?
  /// What the setting does, in a sentence.
  public let summary: String
  /// The name of the command-line flag, without dashes in front.
  public let flag: String

  let kind: String
  let isSecret: Bool
  let render: @Sendable (Value) -> String
  private(set) var parse: @Sendable (ConfigurationValue) throws(SettingValueError) -> Value

  private init(
    path: String, defaultValue: Value?, summary: String, flag: String?, kind: String, isSecret: Bool,
    render: @escaping @Sendable (Value) -> String,
    parse: @escaping @Sendable (ConfigurationValue) throws(SettingValueError) -> Value
  ) {
    self.path = path
    self.defaultValue = defaultValue
    self.summary = summary
    self.flag = flag ?? String(path.map { $0 == "." || $0 == "_" ? "-" : $0 })
    self.kind = kind
    self.isSecret = isSecret
    self.render = render
    self.parse = parse
  }

  /// The name of the environment variable: the path in capitals, `_` for each dot.
  public var environmentName: String {
    String(path.uppercased().map { $0 == "." || $0 == "-" ? "_" : $0 })
  }

  /// Returns the setting with a further condition on its values.
  ///
  /// - Parameters:
  ///   - requirement: What must hold, to follow the value in an error: `must be 0 or more`.
  ///   - isValid: Whether a value is allowed. The default is not asked.
  public func checked(_ requirement: String, _ isValid: @escaping @Sendable (Value) -> Bool) -> Setting {
    var copy = self
    copy.parse = { [parse, render, isSecret] (value) throws(SettingValueError) in
      let result = try parse(value)
      guard isValid(result) else {
        throw SettingValueError(isSecret ? "the value \(requirement)" : "'\(render(result))' \(requirement)")
      }
      return result
    }
    return copy
  }
}

extension Setting where Value: SettingValue {
  /// Declares a setting.
  ///
  /// - Parameters:
  ///   - path: Lower-case words of letters, digits and `_`, with dots between them.
  ///   - defaultValue: The value where no source sets one.
  ///   - flag: The name of the command-line flag when it is not the path with dashes.
  ///   - summary: What the setting does, in a sentence.
  public init(_ path: String, default defaultValue: Value, flag: String? = nil, _ summary: String) {
    self.init(path, or: defaultValue, flag, summary)
  }

  /// Declares a setting that has to be set.
  ///
  /// - Parameters:
  ///   - path: Lower-case words of letters, digits and `_`, with dots between them.
  ///   - flag: The name of the command-line flag when it is not the path with dashes.
  ///   - summary: What the setting does, in a sentence.
  public init(required path: String, flag: String? = nil, _ summary: String) {
    self.init(path, or: nil, flag, summary)
  }

  fileprivate init(_ path: String, or defaultValue: Value?, _ flag: String?, _ summary: String) {
    self.init(
      path: path, defaultValue: defaultValue, summary: summary, flag: flag, kind: Value.kind, isSecret: Value.isSecret,
      render: { Value.isSecret ? Self.masked($0.settingText) : $0.settingText },
      parse: { (value) throws(SettingValueError) in try Value.parse(value) })
  }

  /// Of a secret no more than whether there is one, whatever its type makes of it.
  private static func masked(_ text: String) -> String {
    ["", "null"].contains(text) ? text : "<REDACTED>"
  }
}

extension Setting where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  /// Declares a setting that takes the name of an enum's case.
  ///
  /// - Parameters:
  ///   - path: Lower-case words of letters, digits and `_`, with dots between them.
  ///   - defaultValue: The value where no source sets one.
  ///   - flag: The name of the command-line flag when it is not the path with dashes.
  ///   - summary: What the setting does, in a sentence.
  public init(_ path: String, default defaultValue: Value, flag: String? = nil, _ summary: String) {
    self.init(of: path, or: defaultValue, flag, summary)
  }

  /// Declares a setting that takes the name of an enum's case, and that has to be set.
  ///
  /// - Parameters:
  ///   - path: Lower-case words of letters, digits and `_`, with dots between them.
  ///   - flag: The name of the command-line flag when it is not the path with dashes.
  ///   - summary: What the setting does, in a sentence.
  public init(required path: String, flag: String? = nil, _ summary: String) {
    self.init(of: path, or: nil, flag, summary)
  }

  private init(of path: String, or defaultValue: Value?, _ flag: String?, _ summary: String) {
    self.init(
      path: path, defaultValue: defaultValue, summary: summary, flag: flag, kind: Enumeration.kind(of: Value.self),
      isSecret: false, render: { $0.rawValue },
      parse: { (value) throws(SettingValueError) in try Enumeration.parse(value) })
  }
}

extension Setting where Value: SettingValue & RawRepresentable & CaseIterable, Value.RawValue == String {
  /// Declares a setting that takes the name of an enum's case.
  ///
  /// - Parameters:
  ///   - path: Lower-case words of letters, digits and `_`, with dots between them.
  ///   - defaultValue: The value where no source sets one.
  ///   - flag: The name of the command-line flag when it is not the path with dashes.
  ///   - summary: What the setting does, in a sentence.
  public init(_ path: String, default defaultValue: Value, flag: String? = nil, _ summary: String) {
    // More specific than the two above, which would tie for an enum that conforms to `SettingValue` itself.
    self.init(path, or: defaultValue, flag, summary)
  }

  /// Declares a setting that takes the name of an enum's case, and that has to be set.
  ///
  /// - Parameters:
  ///   - path: Lower-case words of letters, digits and `_`, with dots between them.
  ///   - flag: The name of the command-line flag when it is not the path with dashes.
  ///   - summary: What the setting does, in a sentence.
  public init(required path: String, flag: String? = nil, _ summary: String) {
    self.init(path, or: nil, flag, summary)
  }
}
