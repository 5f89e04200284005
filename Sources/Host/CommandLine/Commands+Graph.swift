internal import AppConfiguration
internal import Container
internal import StructuredLogging

extension Commands {
  /// `graph`: the picture, or with `--check` what is wrong with it and what nothing uses. A graph with faults has no
  /// picture; they are reported either way.
  func graph(_ command: ParsedCommand, _ catalogs: [SettingsCatalog]) throws {
    let name = command.value(of: CommandSpec.format) ?? GraphFormat.dot.rawValue
    guard let format = GraphFormat(rawValue: name) else {
      let known = GraphFormat.allCases.map(\.rawValue).joined(separator: ", ")
      throw UsageError(description: "--format is one of \(known), not \(name.asArgument)")
    }
    let app = app(try configuration(command, catalogs), logger: .none)
    let report = try app.validate()
    guard command.has(CommandSpec.check) else { return console.write(format.render(app.graph).trimmingNewlines) }
    let graph = app.graph
    console.write("\(graph.nodes.count) elements in \(graph.modules.count - 1) modules: no fault")
    for origin in report.unused { console.write("unused: \(origin)") }
    for note in report.notes { console.write("note: \(note)") }
  }
}

extension String {
  fileprivate var trimmingNewlines: String {
    var text = self
    while text.last?.isNewline == true { text.removeLast() }
    return text
  }
}
