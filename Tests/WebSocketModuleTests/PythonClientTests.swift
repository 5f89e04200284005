import Foundation
import HTTPServer
import PrometheusMetrics
import Synchronization
import TestSupport
import Testing

@testable import WebSocketModule

/// A client that others wrote: PyPI's `websockets`, in a Python that `scripts/test-python` makes.
@Suite struct PythonClientTests {
  private static let root = URL(filePath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Runs a program with the server's address as its argument.
  private func python(_ program: String, _ arguments: String...) async throws -> String {
    try await offPool {
      let interpreter = try shell("'\(Self.root.path)/scripts/test-python'").filter { !$0.isNewline }
      let file = FileManager.default.temporaryDirectory.appending(path: "keel-ws-\(UUID().uuidString).py")
      try program.write(to: file, atomically: true, encoding: .utf8)
      defer { try? FileManager.default.removeItem(at: file) }
      return try shell("timeout 60 '\(interpreter)' '\(file.path)' \(arguments.joined(separator: " ")) 2>&1")
    }
  }

  @Test func `echoes, fragments, pings, a refusal and both goodbyes`() async throws {
    let log = SessionLog()
    try await withHub(log: log) { port, _, _ in
      let output = try await python(
        """
        import asyncio, sys, websockets
        from websockets.exceptions import ConnectionClosed, InvalidStatus

        base = "ws://127.0.0.1:" + sys.argv[1]

        async def main():
            async with websockets.connect(base + "/ws?user=ann", subprotocols=["soap", "chat"], max_size=None) as ws:
                assert ws.subprotocol == "chat", ws.subprotocol
                for message in ["", "grüße", "x" * 1_000_000, b"", bytes(range(256)) * 1000]:
                    await ws.send(message)
                    assert await ws.recv() == message
                await ws.send(["one, ", "two, ", "three"])
                assert await ws.recv() == "one, two, three"
                await (await ws.ping(b"hello"))
                for number in range(1000):
                    await ws.send(str(number))
                for number in range(1000):
                    assert await ws.recv() == str(number)
                await ws.close(4002, "enough")
                assert ws.close_code == 4002, ws.close_code
            try:
                await websockets.connect(base + "/ws?user=stranger")
            except InvalidStatus as refusal:
                assert refusal.response.status_code == 401
            async with websockets.connect(base + "/ws?user=big") as ws:
                try:
                    await ws.send("x" * 2_000_000)
                    await ws.recv()
                except ConnectionClosed as closed:
                    assert closed.rcvd.code == 1009, closed
            print("all is well")

        asyncio.run(main())
        """, "\(port)")
      #expect(output == "all is well\n")
      try await eventually("the application heard of both") { log.all.contains("close big 1009") }
      #expect(log.all.contains("close ann 4002"))
    }
  }

  @Test func `the hub's page of metrics is what the strict OpenMetrics parser reads`() async throws {
    try await withHub { port, hub, _ in
      let registry = MetricsRegistry()
      try registry.register(HubCollector(hub))
      let client = try await offPool { try RawClient(port, "/ws?user=ann") }
      try await eventually("it is there") { await hub.isOnline("ann") }
      let page = FileManager.default.temporaryDirectory.appending(path: "keel-ws-\(UUID().uuidString).txt")
      try Data(await registry.render(.openMetrics)).write(to: page)
      defer { try? FileManager.default.removeItem(at: page) }
      let output = try await python(
        """
        import sys
        from prometheus_client.openmetrics.parser import text_string_to_metric_families
        families = text_string_to_metric_families(open(sys.argv[1], newline="").read())
        values = {sample.name: sample.value for family in families for sample in family.samples}
        print(values["websocket_connections"], values["websocket_users"])
        """, "'\(page.path)'")
      #expect(output == "1 1\n")
      _ = client
    }
  }

  @Test func `two hundred clients at once get every broadcast`() async throws {
    try await withHub(
      onMessage: { _, client in client.send("noted") }
    ) { port, hub, _ in
      async let output = python(
        """
        import asyncio, sys, websockets

        async def client(number):
            async with websockets.connect(f"ws://127.0.0.1:{sys.argv[1]}/ws?user={number % 50}") as ws:
                await ws.send("ready")
                assert await ws.recv() == "noted"
                return [await ws.recv() for _ in range(20)]

        async def main():
            answers = await asyncio.gather(*(client(number) for number in range(200)))
            assert all(answer == [f"news {number}" for number in range(20)] for answer in answers)
            print(len(answers))

        asyncio.run(main())
        """, "\(port)")
      try await eventually("all have said that they are ready") {
        hub.counters.received.load(ordering: .relaxed) == 200
      }
      for number in 0..<20 { #expect(await hub.broadcast(.text("news \(number)")) == 200) }
      #expect(try await output == "200\n")
    }
  }

  @Test func `over TLS too`() async throws {
    let folder = try await offPool {
      let folder = try shell("mktemp -d /tmp/keel-wss-XXXXXX").filter { !$0.isWhitespace }
      _ = try shell(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
          + "-addext subjectAltName=DNS:localhost -keyout \(folder)/key.pem -out \(folder)/cert.pem 2>&1")
      return folder
    }
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let tls = HTTPServerConfiguration.TLS(
      certificateChain: try String(contentsOfFile: folder + "/cert.pem", encoding: .utf8),
      privateKey: try String(contentsOfFile: folder + "/key.pem", encoding: .utf8))
    let log = SessionLog()
    try await withHub(log: log, tls: tls) { port, _, _ in
      let output = try await python(
        """
        import asyncio, ssl, sys, websockets

        async def main():
            context = ssl.create_default_context(cafile=sys.argv[2])
            url = f"wss://localhost:{sys.argv[1]}/ws?user=ann"
            async with websockets.connect(url, ssl=context, host="127.0.0.1", server_hostname="localhost") as ws:
                for message in ["secret", "x" * 500_000, "end"]:
                    await ws.send(message)
                    assert await ws.recv() == message
            print(ws.close_code)

        asyncio.run(main())
        """, "\(port)", "\(folder)/cert.pem")
      #expect(output == "1000\n")
      try await eventually("the application hears of it") { log.all == ["open ann", "close ann 1000"] }
    }
  }
}
