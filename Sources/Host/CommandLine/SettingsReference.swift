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
    var lines = [
      "# Every setting of \(program) with its default, as `\(program) config example` prints it. Leave out what you do not",
      "# change: a later version may have a better default.",
    ]
    for (section, settings) in sections {
      lines += ["", "\(section):"]
      for setting in settings {
        lines += wrapped(setting.summary).map { "  # \($0)" }
        let key = setting.path.dropFirst(section.count + 1)
        // One that has to be set is not set by a copy of this.
        let value = setting.hasDefault ? Self.scalar(setting.defaultText) : "null"
        lines.append(setting.isRequired ? "  # \(key): has to be set" : "  \(key): \(value)")
      }
    }
    return lines.joined(separator: "\n")
  }

  /// The settings by the first word of their path: a file has each section once, whichever modules declare it.
  private var sections: [(name: String, settings: [AnySetting])] {
    var sections: [(name: String, settings: [AnySetting])] = []
    for setting in catalogs.flatMap(\.settings) {
      let name = String(setting.path.prefix { $0 != "." })
      guard name != setting.path else { continue }
      if let index = sections.firstIndex(where: { $0.name == name }) {
        sections[index].settings.append(setting)
      } else {
        sections.append((name, [setting]))
      }
    }
    return sections
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
