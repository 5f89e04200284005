import EventLoop
import FoundationEssentials
import Glibc
import HTTPServer
import Synchronization
import TestSupport
import Testing

/// HTTPS, from the outside: `openssl` makes the certificate, `curl` is the client.
@Suite struct TLSTests {
  @Test func `a certificate makes it HTTPS`() async throws {
    let folder = try await offPool { try Self.makeCertificate() }
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let routes = [
      Route(.get, "/later") { _ in
        await Task.yield()
        return "secret"
      },
      Route(.post, "/echo") { request in HTTPResponse(request.body) },
    ]
    let tls = HTTPServerConfiguration.TLS(
      certificateChain: try String(contentsOfFile: folder + "/cert.pem", encoding: .utf8),
      privateKey: try String(contentsOfFile: folder + "/key.pem", encoding: .utf8))
    try await withServer(routes, configure: { $0.tls = tls }) { address, _ in
      let port = try #require(address.port)
      let curl = "curl -sS --cacert \(folder)/cert.pem --resolve localhost:\(port):127.0.0.1"
      let later = try await offPool { try shell("\(curl) https://localhost:\(port)/later") }
      #expect(later == "secret")
      let echo = try await offPool {
        try shell(
          "head -c 300000 /dev/zero | tr '\\0' x | \(curl) --data-binary @- https://localhost:\(port)/echo | wc -c")
      }
      #expect(Int(echo.filter(\.isNumber)) == 300_000)
    }
  }

  @Test func `a client that takes nothing of what is left behind an upgrade is let go of`() async throws {
    let folder = try await offPool { try Self.makeCertificate() }
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let request = "GET /bytes HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: bytes\r\n\r\n"
    try request.write(toFile: folder + "/request", atomically: true, encoding: .utf8)
    let isGivenBack = Atomic(false)
    let routes = [
      Route(.get, "/bytes") { _ in
        HTTPResponse.upgrade(to: "bytes") { connection in
          Self.fill(connection, full: 0) {
            connection.close()
            isGivenBack.store(true, ordering: .relaxed)
          }
        }
      }
    ]
    let tls = HTTPServerConfiguration.TLS(
      certificateChain: try String(contentsOfFile: folder + "/cert.pem", encoding: .utf8),
      privateKey: try String(contentsOfFile: folder + "/key.pem", encoding: .utf8))
    let observer = RecordingObserver()
    try await withServer(
      routes, observer: observer,
      configure: {
        $0.tls = tls
        $0.idleTimeout = .seconds(1)
      }
    ) { address, _ in
      let port = try #require(address.port)
      // Nobody reads what it prints, so it stops reading too.
      let client = popen("exec openssl s_client -quiet -connect 127.0.0.1:\(port) <\(folder)/request 2>/dev/null", "r")
      defer { pclose(client) }
      try await eventually("the connection takes no more and is given back") { isGivenBack.load(ordering: .relaxed) }
      try await eventually("it is closed") { observer.seen.closed == [1] }
    }
  }

  /// Writes until nothing was taken for half a second.
  private static func fill(_ connection: HTTPUpgradedConnection, full: Int, _ done: @escaping @Sendable () -> Void) {
    let bytes = [UInt8](repeating: 7, count: 64 << 10)
    var full = full + 1
    while bytes.withUnsafeBytes({ write(connection.descriptor, $0.baseAddress, $0.count) }) > 0 { full = 0 }
    guard full < 100 else { return done() }
    let soFar = full
    connection.loop.schedule(after: .milliseconds(5)) { fill(connection, full: soFar, done) }
  }

  @Test func `a certificate that is none is an error at the start`() async throws {
    await #expect {
      try await withServer([], configure: { $0.tls = .init(certificateChain: "x", privateKey: "y") }) { _, _ in }
    } throws: { error in
      (error as? HTTPServerError)?.code == .cannotStart
    }
  }

  @Test func `a start that fails closes no descriptor of anybody else's`() async throws {
    let isOver = Atomic(false)
    async let stolen = offPool {
      var stolen = 0
      while !isOver.load(ordering: .relaxed) {
        let mine = open("/dev/null", O_RDONLY | O_CLOEXEC)
        sched_yield()
        if close(mine) != 0 { stolen += 1 }
      }
      return stolen
    }
    let loop = try EventLoop()
    var configuration = HTTPServerConfiguration(address: .ip(host: "127.0.0.1", port: 0))
    configuration.tls = .init(certificateChain: "x", privateKey: "y")
    for _ in 0..<300 {
      let server = try HTTPServer(configuration: configuration, routes: [], loop: loop)
      await #expect(throws: HTTPServerError.self) { try await server.start() }
    }
    isOver.store(true, ordering: .relaxed)
    let count = try await stolen
    #expect(count == 0)
    await loop.stop()
  }

  private static func makeCertificate() throws -> String {
    let folder = try shell("mktemp -d /tmp/keel-tls-XXXXXX").filter { !$0.isWhitespace }
    _ = try shell(
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
        + "-addext subjectAltName=DNS:localhost -keyout \(folder)/key.pem -out \(folder)/cert.pem 2>&1")
    return folder
  }
}
