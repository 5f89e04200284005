import EventLoop
import Glibc
import HTTPServer
import WebSocketModule

/// A server with a hub and nothing beside it, so that its memory can be measured. Says its port; once as many clients are there
/// as the argument wants, by how many bytes it has grown; ends when they have gone.
@main struct Main {
  static func main() async throws {
    let count = CommandLine.arguments.last.flatMap { Int($0) } ?? 0
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)

    var configuration = HubConfiguration()
    // Its clients only read what they wait for.
    configuration.pingInterval = .seconds(600)
    let (hub, loop) = (Hub(configuration: configuration), try EventLoop())
    let server = try HTTPServer(
      configuration: HTTPServerConfiguration(address: .ip(host: "127.0.0.1", port: 0)),
      routes: [
        Route.webSocket("/ws", hub: hub) { request in
          request.query["user"] ?? "nobody"
        } onMessage: { _, _ in
        }
      ], loop: loop)
    let address = try await server.start()
    let before = residentBytes()
    say("\(address.port ?? 0)")
    while await hub.connectionCount < count { try await Task.sleep(for: .milliseconds(5)) }
    say("\(residentBytes() - before)")
    await hub.broadcast("all of you")
    while await hub.connectionCount > 0 { try await Task.sleep(for: .milliseconds(5)) }
    await server.stop(grace: .zero)
    await loop.stop()
  }

  static func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var text = [CChar](repeating: 0, count: 128)
    guard fgets(&text, 128, file) != nil else { return 0 }
    let fields = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      .split(separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE)) : 0
  }

  /// Through no buffer: whoever reads this waits for it.
  static func say(_ line: String) { _ = write(STDOUT_FILENO, line + "\n", line.utf8.count + 1) }
}
