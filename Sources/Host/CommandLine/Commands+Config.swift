internal import AppConfiguration
internal import Container
internal import DatabaseModule
internal import FoundationEssentials
internal import StructuredLogging

extension Commands {
  /// `config show`, `check`, `example` and `reference`.
  func config(_ command: ParsedCommand, _ catalogs: [SettingsCatalog]) async throws {
    let reference = SettingsReference(program: Application.name, catalogs: catalogs)
    switch command.spec.words[1] {
    case "show":
      let rows = try configuration(command, catalogs).effective(catalogs)
      console.write(command.has(CommandSpec.json) ? try json(rows) : table(rows))
    case "check":
      let configuration = try configuration(command, catalogs)
      try configuration.checkIsComplete(catalogs)
      try await crossCheck(configuration)
      let rows = try configuration.effective(catalogs)
      console.write("\(rows.count) settings, \(rows.count { $0.source != .default }) of them set: no fault")
      for variable in configuration.misspelledVariables(catalogs) { console.write("note: \(variable)") }
    case "example": console.write(reference.yaml())
    default: console.write(reference.markdown())
    }
  }

  /// What modules find wrong with their settings together.
  private func crossCheck(_ configuration: Configuration) async throws {
    _ = try HostSettings(configuration)
    _ = try LogSettings(configuration)
    let app = app(configuration, logger: .none, onDemand: true)
    try await app.start()
    do {
      _ = try await app.get(DatabaseSettings.self)
    } catch let error as ContainerError where error.code == .missingProvider {
      // An app without a database.
    } catch {
      try? await app.stop()
      throw (error as? ContainerError)?.cause ?? error
    }
    try await app.stop()
  }

  private func table(_ rows: [EffectiveSetting]) -> String {
    let cells = rows.map { row in
      [row.setting.path, row.value == "null" ? "none" : row.value, "\(row.source)"]
    }
    return TextTable.aligned([["SETTING", "VALUE", "FROM"]] + cells, margin: "")
  }

  private func json(_ rows: [EffectiveSetting]) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(rows.map(SettingRow.init)), as: UTF8.self)
  }
}

/// A setting as `config show --json` and the dashboard give it.
struct SettingRow: Encodable {
  let path: String
  let value: String?
  let source: String
  let summary: String

  init(_ row: EffectiveSetting) {
    path = row.setting.path
    value = row.value == "null" ? nil : row.value
    source = "\(row.source)"
    summary = row.setting.summary
  }
}
