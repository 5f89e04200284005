internal import AppConfiguration

/// What `help` and `--help` print.
struct HelpText {
  let program: String
  let catalogs: [SettingsCatalog]

  func overview() -> String {
    let rows = CommandSpec.all.map { ("\(program) \($0.name) \($0.argument)", $0.summary) }
    return """
      Usage:
      \(columns(rows))

      Settings come from flags, the environment and keel.yaml, in this order. List them with \(program) help settings;
      explain a command with \(program) help COMMAND.
      """
  }

  func explain(_ spec: CommandSpec) -> String {
    var sections = ["Usage: \(program) \(spec.name) \(spec.argument)".trimmingEnd + " [flags]", spec.summary]
    let settings = catalogs.flatMap(\.settings)
    let rows =
      spec.flags.map { ("--\($0.name) \($0.value ?? "")".trimmingEnd, $0.summary) }
      + spec.mainSettings.compactMap { path in
        settings.first { $0.path == path }.map { ("--\($0.flag) VALUE", $0.summary) }
      }
    if !rows.isEmpty { sections.append("Flags:\n\(columns(rows))") }
    if spec.readsConfiguration {
      sections.append("Every other setting is a flag too: \(program) help settings.")
    }
    sections.append("Example:\n  \(program) \(spec.example)")
    return sections.joined(separator: "\n\n")
  }

  func settings() -> String {
    let sections = catalogs.filter { !$0.settings.isEmpty }.map { catalog in
      let entries = catalog.settings.map { setting in
        """
          \(setting.path)  (--\(setting.flag), \(setting.environmentName); default \(setting.defaultText))
              \(setting.summary)
        """
      }
      return "\(catalog.name)\n\(entries.joined(separator: "\n"))"
    }
    return sections.joined(separator: "\n\n")
  }

  private func columns(_ rows: [(String, String)]) -> String {
    let width = rows.map(\.0.count).max() ?? 0
    return rows.map { left, right in
      "  \(left)\(String(repeating: " ", count: width - left.count + 2))\(right)"
    }.joined(separator: "\n")
  }
}

extension String {
  fileprivate var trimmingEnd: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}
