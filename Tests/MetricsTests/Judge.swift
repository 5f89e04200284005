import Foundation
import Testing

/// A program that judges pages.
enum Judge {
  /// Runs a shell command with the page as its input and returns what it prints, errors too.
  static func run(_ command: String, _ page: [UInt8]) throws -> (output: String, status: Int32) {
    let path = NSTemporaryDirectory() + "keel-metrics-\(UUID().uuidString)"
    defer { unlink(path) }
    try Data(page).write(to: URL(fileURLWithPath: path))
    let pipe = try #require(popen("\(command) < '\(path)' 2>&1", "r"))
    var output = [UInt8]()
    var chunk = [UInt8](repeating: 0, count: 4096)
    while case let count = fread(&chunk, 1, chunk.count, pipe), count > 0 { output += chunk[..<count] }
    return (String(decoding: output, as: UTF8.self), pclose(pipe))
  }
}
