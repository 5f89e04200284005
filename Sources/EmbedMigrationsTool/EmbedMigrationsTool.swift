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
    var files: [(path: String, bytes: [UInt8])] = []
    var unreadable: [FileFault] = []
    for path in arguments.dropFirst(2) {
      do {
        files.append((path, [UInt8](try Data(contentsOf: URL(filePath: path)))))
      } catch {
        unreadable.append(FileFault(path: path, message: "the file cannot be read: \(reason(error))"))
      }
    }
    let folder = MigrationFolder(files: files)
    // A half that cannot be read would be reported as missing too.
    let faults = unreadable.isEmpty ? folder.faults : unreadable
    guard faults.isEmpty else { stop(faults.map(\.description)) }
    do {
      let source = EmbeddedSource(target: target, migrations: folder.migrations)
      try source.text.write(toFile: output, atomically: true, encoding: .utf8)
    } catch {
      stop(["\(output): error: the file cannot be written: \(reason(error))"])
    }
  }

  /// The system's word for it.
  private static func reason(_ error: any Error) -> String {
    let cause = (error as? CocoaError)?.underlying as? POSIXError
    return cause.map { String(cString: strerror($0.code.rawValue)) } ?? "\(error)"
  }

  private static func stop(_ lines: [String]) -> Never {
    let message = Array((lines.joined(separator: "\n") + "\n").utf8)
    write(STDERR_FILENO, message, message.count)
    exit(1)
  }
}
