internal import Glibc

/// A command that failed, with what it printed.
public struct CommandFailed: Error {
  /// The command.
  public let command: String
  /// What it printed until then.
  public let output: String
}

/// Runs a shell command to its end and gives what it printed. Blocks.
public func shell(_ command: String) throws -> String {
  guard let pipe = popen(command, "r") else { throw CommandFailed(command: command, output: "") }
  var output: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 4096)
  while case let count = fread(&chunk, 1, chunk.count, pipe), count > 0 { output += chunk[..<count] }
  let text = String(decoding: output, as: UTF8.self)
  guard pclose(pipe) == 0 else { throw CommandFailed(command: command, output: text) }
  return text
}
