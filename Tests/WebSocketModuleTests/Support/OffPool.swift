import Glibc

/// Runs something that blocks on a thread of its own, off the cooperative pool.
func offPool<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
  try await withCheckedThrowingContinuation { continuation in
    let box = Unmanaged.passRetained(ThreadBody { continuation.resume(with: Swift.Result { try body() }) })
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, box.toOpaque())
    if status == 0 {
      pthread_detach(thread)
    } else {
      box.release()
      continuation.resume(throwing: RawClient.Failure.system("pthread_create", status))
    }
  }
}

private final class ThreadBody: Sendable {
  let run: @Sendable () -> Void
  init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

struct CommandFailed: Error {
  let command: String
  let output: String
}

/// Runs a shell command to its end and gives what it printed.
func shell(_ command: String) throws -> String {
  guard let pipe = popen(command, "r") else { throw CommandFailed(command: command, output: "") }
  var output: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 4096)
  while case let count = fread(&chunk, 1, chunk.count, pipe), count > 0 { output += chunk[..<count] }
  let text = String(decoding: output, as: UTF8.self)
  guard pclose(pipe) == 0 else { throw CommandFailed(command: command, output: text) }
  return text
}
