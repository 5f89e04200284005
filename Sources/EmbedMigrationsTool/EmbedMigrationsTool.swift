import FoundationEssentials
import MigrationFiles

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// `embed-migrations TARGET OUTPUT.swift FILE.sql …`: SQL files to one Swift file.
///
/// The build tool plugin runs it. Faults in the files stop the build, all in one go, each with its path.
@main struct EmbedMigrationsTool {
  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    guard let target = arguments.first, let output = arguments.dropFirst().first else {
      stop(["usage: embed-migrations TARGET OUTPUT.swift FILE.sql …"])
    }
    do {
      let files = try arguments.dropFirst(2).map { (path: $0, bytes: [UInt8](try Data(contentsOf: URL(filePath: $0)))) }
      let folder = MigrationFolder(files: files)
      guard folder.faults.isEmpty else { stop(folder.faults.map(\.description)) }
      let source = EmbeddedSource(target: target, migrations: folder.migrations)
      try source.text.write(toFile: output, atomically: true, encoding: .utf8)
    } catch {
      stop(["error: \(error)"])
    }
  }

  private static func stop(_ lines: [String]) -> Never {
    let message = Array((lines.joined(separator: "\n") + "\n").utf8)
    write(STDERR_FILENO, message, message.count)
    exit(1)
  }
}
