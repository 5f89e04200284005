internal import AppConfiguration

/// All settings in forms to keep: a table for people and an example of a file.
struct SettingsReference {
  let program: String
  let catalogs: [SettingsCatalog]

  /// A page in Markdown.
  func markdown() -> String {
    var lines = [
      "# Settings", "",
      "Written by `\(program) config reference`. A value comes from the command line, else from the environment, else from",
      "the file, else from the preset (`host.preset`), else it is the default. `\(program) config show` says which it was.",
      "A variable with `_FILE` behind its name has the value in a file: `DATABASE_URL_FILE=/run/secrets/url`.",
      "Durations are numbers with units, the largest first: `1h30m`, `1.5s`, `500ms` (d, h, m, s, ms, us, ns).",
    ]
    for catalog in catalogs where !catalog.settings.isEmpty {
      lines += [
        "", "## \(catalog.name)", "", "| key | flag | variable | default | what it is |", "|---|---|---|---|---|",
      ]
      lines += catalog.settings.map { setting in
        let cells = [
          "`\(setting.path)`", "`--\(setting.flag)`", "`\(setting.environmentName)`",
          setting.hasDefault ? "`\(setting.defaultText)`" : setting.isRequired ? "has to be set" : "none",
          setting.summary + (setting.isSecret ? " Secret: never shown." : ""),
        ]
        return "| \(cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ")) |"
      }
    }
    return lines.joined(separator: "\n")
  }

  /// A configuration file that says what holds anyway.
  func yaml() -> String {
    let head = [
      "# Every setting of \(program) with its default, as `\(program) config example` prints it. Leave out what you do not",
      "# change: a later version may have a better default.",
    ]
    return (head + lines(catalogs.flatMap(\.settings), depth: 0)).joined(separator: "\n")
  }

  /// The settings of a section, whose paths have that many words in common: a file has each section once, whichever
  /// modules declare it.
  private func lines(_ settings: [AnySetting], depth: Int) -> [String] {
    let indentation = String(repeating: "  ", count: depth)
    let sections = Dictionary(grouping: settings) { $0.path.split(separator: ".").dropFirst(depth).first }
    var lines: [String] = []
    var seen: Set<Substring> = []
    for setting in settings {
      let words = setting.path.split(separator: ".").dropFirst(depth)
      guard let key = words.first, words.count == 1 || seen.insert(key).inserted else { continue }
      if depth == 0 { lines.append("") }
      if words.count == 1 {
        lines += (wrapped(setting.summary).map { "# \($0)" } + [Self.line(key, setting)]).map { indentation + $0 }
      } else {
        lines += ["\(indentation)\(key):"] + self.lines(sections[key] ?? [], depth: depth + 1)
      }
    }
    return lines
  }

  private static func line(_ key: Substring, _ setting: AnySetting) -> String {
    // What has to be set, and what is not shown, is not set by a copy of this.
    if setting.isRequired { return "# \(key): has to be set" }
    if setting.isSecret, setting.hasDefault, !setting.defaultText.isEmpty { return "# \(key): has a secret default" }
    return "\(key): \(setting.hasDefault ? scalar(setting.defaultText) : "null")"
  }

  private static func scalar(_ text: String) -> String {
    if text.isEmpty { return "\"\"" }
    let isPlain = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
      case UInt8(ascii: "0")...UInt8(ascii: "9"): true
      default: ".:/_-".utf8.contains(byte)
      }
    }
    return isPlain && !text.hasSuffix(":") && !text.hasPrefix("-") ? text : "'\(text.replacing("'", with: "''"))'"
  }

  private func wrapped(_ text: String) -> [String] {
    var lines = [""]
    for word in text.split(separator: " ") {
      if lines[lines.count - 1].count + word.count > 110 { lines.append("") }
      lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + word
    }
    return lines
  }
}

extension AnySetting {
  /// Whether it has a value when nobody sets it.
  var hasDefault: Bool { defaultText != "null" }
}
