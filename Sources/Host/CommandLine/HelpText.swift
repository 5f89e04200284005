internal import AppConfiguration

/// What `help` and `--help` print.
struct HelpText {
  let program: String
  let catalogs: [SettingsCatalog]

  func overview() -> String {
    """
    Usage:
    \(usage(of: CommandSpec.all))

    Settings come from flags, the environment, keel.yaml and a preset, in this order. List them with
    \(program) help settings; explain a command with \(program) help COMMAND.
    """
  }

  /// Explains one command, or several that share their first word.
  func explain(_ specs: [CommandSpec]) -> String {
    guard let first = specs.first else { return overview() }
    var sections =
      specs.count == 1
      ? [
        "Usage: " + "\(program) \(first.name) \(first.argument)".trimmingEnd + " [flags]", first.summary, first.details,
      ]
      : ["Usage: \(program) \(first.words[0]) COMMAND [flags]", usage(of: specs)]
    sections.removeAll(where: \.isEmpty)
    let rows = flags(of: specs) + mainSettings(of: specs).map { ["--\($0.flag) \(valueName(of: $0))", $0.summary] }
    if !rows.isEmpty { sections.append("Flags:\n\(TextTable.aligned(rows))") }
    if let secret = mainSettings(of: specs).first(where: \.isSecret) {
      sections.append(
        "Prefer the variable \(secret.environmentName) to --\(secret.flag): everybody on the machine can see a command "
          + "line,\nand a password in it, in ps.")
    }
    if first.readsConfiguration {
      sections.append("Every other setting is a flag too: \(program) help settings.")
    }
    let examples = specs.map { "  \(program) \($0.example)" }
    sections.append("\(specs.count == 1 ? "Example" : "Examples"):\n\(examples.joined(separator: "\n"))")
    return sections.joined(separator: "\n\n")
  }

  func settings() -> String {
    let sections = catalogs.filter { !$0.settings.isEmpty }.map { catalog in
      let entries = catalog.settings.map { setting in
        let defaultText = setting.defaultText == "null" ? "none" : setting.defaultText
        return """
            \(setting.path)  (--\(setting.flag), \(setting.environmentName); \(setting.isRequired ? "has to be set" : "default \(defaultText)"))
                \(setting.summary)
          """
      }
      return "\(catalog.name)\n\(entries.joined(separator: "\n"))"
    }
    return sections.joined(separator: "\n\n")
  }

  private func usage(of specs: [CommandSpec]) -> String {
    TextTable.aligned(specs.map { ["\(program) \($0.name) \($0.argument)".trimmingEnd, $0.summary] })
  }

  private func flags(of specs: [CommandSpec]) -> [[String]] {
    var seen: Set<CommandSpec.Flag> = []
    return specs.flatMap(\.flags).filter { seen.insert($0).inserted }
      .map { ["--\($0.name) \($0.value ?? "")".trimmingEnd, $0.summary] }
  }

  private func mainSettings(of specs: [CommandSpec]) -> [AnySetting] {
    var seen: Set<String> = []
    let settings = catalogs.flatMap(\.settings)
    return specs.flatMap(\.mainSettings).filter { seen.insert($0).inserted }
      .compactMap { path in settings.first { $0.path == path } }
  }

  /// What a value is called: by its kind, or by the last word of the setting's path.
  private func valueName(of setting: AnySetting) -> String {
    switch setting.kind {
    case Duration.kind: "DURATION"
    case ListenAddress.kind: "ADDR:PORT"
    case Int.kind: "N"
    default: setting.path.split { $0 == "." || $0 == "_" }.last.map { $0.uppercased() } ?? "VALUE"
    }
  }
}
