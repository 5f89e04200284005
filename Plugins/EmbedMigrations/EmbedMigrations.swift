import Foundation
import PackagePlugin

/// Compiles the `.sql` files of a target into it, as `embeddedMigrations`.
@main struct EmbedMigrations: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) async throws -> [Command] {
    guard let module = target.sourceModule else { return [] }
    let files = module.sourceFiles(withSuffix: "sql").map(\.url).sorted { $0.path() < $1.path() }
    if files.isEmpty {
      // Not an error: the first pair is written by the program that is built here.
      Diagnostics.warning(
        "\(target.name) has no .sql files for EmbedMigrations: put them into \(module.directoryURL.path(percentEncoded: false))"
      )
    }
    let output = context.pluginWorkDirectoryURL.appending(path: "\(target.name).embedded.swift")
    return [
      .buildCommand(
        displayName: "Embed the migrations of \(target.name)",
        executable: try context.tool(named: "embed-migrations").url,
        arguments: [target.name, output.path(percentEncoded: false)] + files.map { $0.path(percentEncoded: false) },
        inputFiles: files,
        outputFiles: [output])
    ]
  }
}
