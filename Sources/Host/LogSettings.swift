internal import AppConfiguration
internal import StructuredLogging

/// The settings under `log`.
struct LogSettings: Sendable {
  static let level = Setting(
    "log.level", default: Logger.Level.info,
    "What is logged: trace, debug, info, notice, warning, error or critical. Read again on SIGHUP.")
  static let format = Setting("log.format", default: LogFormat.text, "How it is written: text or json.")

  static let catalog = SettingsCatalog("log", level, format)

  let level: Logger.Level
  let format: LogFormat

  init(_ configuration: Configuration) throws(ConfigurationError) {
    level = try configuration(Self.level)
    format = try configuration(Self.format)
  }

  func logger(_ name: String) -> Logger {
    Logger(label: name, level: level, output: StandardErrorOutput(format: format))
  }
}

extension Logger {
  /// Changes the level of the whole family, and tells so while the lower of the two levels holds: a log that falls silent
  /// says why.
  func setLevel(_ level: Level, telling tell: (Logger) -> Void) {
    let isRaised = levelControl.level.map { $0 < level } ?? false
    if isRaised { tell(self) }
    levelControl.set(level)
    if !isRaised { tell(self) }
  }
}
