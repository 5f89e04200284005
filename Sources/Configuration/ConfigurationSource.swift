/// Where a value came from.
public enum ConfigurationSource: Sendable, Hashable {
  /// A command-line flag, by its name without the leading dashes.
  case flag(String)
  /// An environment variable, by its name.
  case environment(String)
  /// A place in a file; line and column count from 1.
  case file(path: String, line: Int, column: Int)
  /// A preset, by its name: defaults for where the program runs.
  case preset(String)
  /// The setting's own default.
  case `default`
}

extension ConfigurationSource: CustomStringConvertible {
  /// The source in the form that errors and `config show` use: `keel.yaml:3:5`, `DATABASE_URL`, `--listen`, `default`.
  public var description: String {
    switch self {
    case .flag(let name): "--\(name)"
    case .environment(let name): name
    case .file(let path, let line, let column): "\(path):\(line):\(column)"
    case .preset(let name): "preset \(name)"
    case .default: "default"
    }
  }
}
