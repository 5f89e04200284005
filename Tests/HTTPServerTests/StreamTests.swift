import EventLoop
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

@Suite struct StreamTests {
  struct Broken: Error {}

  @Test func `a body is sent while it is made`() async throws {
    let gate = Gate()
    let routes = [
      Route(.get, "/lines") { _ in
        HTTPResponse.stream(contentType: "text/plain") { writer in
          try await writer.write("first\n")
          await gate.wait()
          try await writer.write("second\n")
        }
      }
    ]
    let observer = RecordingObserver()
    try await withServer(routes, observer: observer) { address, _ in
      async let response = offPool {
        let client = try TestClient(address)
        try client.send("GET /lines HTTP/1.1\r\nHost: t\r\n\r\n")
        // The first line is there before the second is made.
        #expect(client.pause(milliseconds: 5000))
        gate.open()
        return try client.response()
      }
      #expect(try await response.text == "first\nsecond\n")
      try await eventually("the record has the size") { observer.seen.records.first?.responseBytes == 13 }
      #expect(observer.seen.records.first?.outcome == .answered)
    }
  }

  @Test func `a large stream arrives whole and is not held in memory`() async throws {
    let routes = [
      Route(.get, "/numbers") { _ in
        HTTPResponse.stream(contentType: "text/plain") { writer in
          for index in 0..<200_000 { try await writer.write("\(index)\n") }
        }
      }
    ]
    try await withServer(routes) { address, _ in
      let body = try await offPool { try TestClient(address).request("GET", "/numbers").text }
      #expect(body == (0..<200_000).map { "\($0)\n" }.joined())
    }
  }

  @Test func `a slow reader holds the writer up`() async throws {
    let written = Atomic<Int>(0)
    let routes = [
      Route(.get, "/endless") { _ in
        HTTPResponse.stream(contentType: "text/plain") { writer in
          let part = [UInt8](repeating: 1, count: 16 << 10)
          while true {
            try await writer.write(part)
            written.add(part.count, ordering: .relaxed)
          }
        }
      }
    ]
    let observer = RecordingObserver()
    try await withServer(routes, observer: observer) { address, _ in
      let client = try await offPool {
        let client = try TestClient(address, window: 4096)
        try client.send("GET /endless HTTP/1.1\r\nHost: t\r\n\r\n")
        return ClientBox(client)
      }
      try await eventually("the writer stands still") {
        let before = written.load(ordering: .relaxed)
        usleep(50_000)
        return before > 0 && before == written.load(ordering: .relaxed)
      }
      client.close()
      try await eventually("the record says that the client left") {
        observer.seen.records.first?.outcome == .clientGone
      }
    }
  }

  @Test func `a client that leaves a quiet stream cancels it`() async throws {
    let wasCancelled = Atomic<Bool>(false)
    let routes = [
      Route(.get, "/events") { _ in
        HTTPResponse.stream(contentType: "text/event-stream") { writer in
          try await writer.write("data: hello\n\n")
          do {
            try await Task.sleep(for: .seconds(60))
          } catch {
            wasCancelled.store(true, ordering: .relaxed)
            throw error
          }
        }
      }
    ]
    let observer = RecordingObserver()
    try await withServer(routes, observer: observer) { address, _ in
      let client = try await offPool {
        let client = try TestClient(address)
        try client.send("GET /events HTTP/1.1\r\nHost: t\r\n\r\n")
        #expect(client.pause(milliseconds: 5000))
        return ClientBox(client)
      }
      client.close()
      try await eventually("the stream is cancelled") { wasCancelled.load(ordering: .relaxed) }
      try await eventually("the connection is closed") { observer.seen.closed == [1] }
      #expect(observer.seen.failures.isEmpty)
    }
  }

  @Test func `a stream that throws ends the connection without the last chunk`() async throws {
    let observer = RecordingObserver()
    let routes = [
      Route(.get, "/broken") { _ in
        HTTPResponse.stream(contentType: "text/plain") { writer in
          try await writer.write("half")
          throw Broken()
        }
      }
    ]
    try await withServer(routes, observer: observer) { address, _ in
      await #expect(throws: TestClient.Failure.closed) {
        try await offPool { try TestClient(address).request("GET", "/broken") }
      }
      try await eventually("the failure is reported") { observer.seen.failures == ["Broken()"] }
      try await eventually("the record says so") { observer.seen.records.first?.outcome == .failed }
    }
  }

  @Test func `HEAD does not run the closure`() async throws {
    let hasRun = Atomic<Bool>(false)
    let routes = [
      Route(.get, "/stream") { _ in
        HTTPResponse.stream(contentType: "text/plain") { writer in
          hasRun.store(true, ordering: .relaxed)
          try await writer.write("x")
        }
      }
    ]
    try await withServer(routes) { address, _ in
      try await offPool {
        let client = try TestClient(address)
        #expect(try client.request("HEAD", "/stream").status == 200)
        #expect(client.isClosed())
        #expect(hasRun.load(ordering: .relaxed) == false)
        #expect(try TestClient(address).request("GET", "/stream").text == "x")
      }
    }
  }

  @Test func `a stream without end is complete when the server stops, which waits for it no longer`() async throws {
    let routes = [
      Route(.get, "/events") { _ in
        HTTPResponse.stream(contentType: "text/event-stream", isEndless: true) { writer in
          try await writer.write("data: hello\n\n")
          try await Task.sleep(for: .seconds(3600))
        }
      }
    ]
    try await withServer(routes) { address, server in
      let client = try await offPool {
        let client = try TestClient(address)
        try client.send("GET /events HTTP/1.1\r\nHost: t\r\n\r\n")
        #expect(client.pause(milliseconds: 60_000))
        return ClientBox(client)
      }
      #expect(await server.stop(grace: .seconds(600)) == 0)
      let text = try await offPool { try client.use { try $0.response().text } }
      #expect(text == "data: hello\n\n")
      client.close()
    }
  }

  @Test func `a stop cuts off a stream that goes on for ever`() async throws {
    let routes = [
      Route(.get, "/events") { _ in
        HTTPResponse.stream(contentType: "text/event-stream") { writer in
          try await writer.write("data: hello\n\n")
          try await Task.sleep(for: .seconds(60))
        }
      }
    ]
    try await withServer(routes) { address, server in
      let client = try await offPool {
        let client = try TestClient(address)
        try client.send("GET /events HTTP/1.1\r\nHost: t\r\n\r\n")
        #expect(client.pause(milliseconds: 5000))
        return ClientBox(client)
      }
      #expect(await server.stop(grace: .milliseconds(10)) == 1)
      client.close()
    }
  }
}

@Suite struct HTTPBodyWriterTests {
  private func read(_ writer: HTTPBodyWriter, _ count: Int) -> ([UInt8], HTTPBodyWriter.Reading) {
    var bytes = [UInt8](repeating: 0, count: count)
    let reading = bytes.withUnsafeMutableBytes { writer.read(into: $0) }
    guard case .bytes(let count) = reading else { return ([], reading) }
    return (Array(bytes[..<count]), reading)
  }

  @Test func `bytes come out as they went in`() async throws {
    let writer = HTTPBodyWriter {}
    try await writer.write("hello")
    try await writer.write([33])
    #expect(read(writer, 4) == (Array("hell".utf8), .bytes(4)))
    #expect(read(writer, 4) == (Array("o!".utf8), .bytes(2)))
    #expect(read(writer, 4).1 == .wait)
    writer.finish(failed: false)
    #expect(read(writer, 4).1 == .end)
    #expect(writer.total == 6)
  }

  @Test func `a reader that waits is called once`() async throws {
    let calls = Atomic<Int>(0)
    let writer = HTTPBodyWriter { calls.add(1, ordering: .relaxed) }
    #expect(read(writer, 1).1 == .wait)
    try await writer.write("a")
    try await writer.write("b")
    #expect(calls.load(ordering: .relaxed) == 1)
  }

  @Test func `a full buffer holds the writer until there is room`() async throws {
    let writer = HTTPBodyWriter {}
    let task = Task { try await writer.write([UInt8](repeating: 1, count: 100_000)) }
    try await eventually("the bytes are there") { writer.total == 100_000 }
    #expect(read(writer, 50_000).1 == .bytes(50_000))
    try await task.value
  }

  @Test func `a reader that never catches up gets all in order and does not make the buffer grow`() async throws {
    let writer = HTTPBodyWriter {}
    let part = (0..<16 << 10).map { UInt8(truncatingIfNeeded: $0 % 251) }
    for _ in 0..<2 { try await writer.write(part) }
    for _ in 0..<500 {
      try await writer.write(part)
      #expect(read(writer, part.count).0 == part)
    }
    #expect(writer.held <= 192 << 10)
    #expect(read(writer, 1 << 20).0 == part + part)
  }

  @Test func `a cancelled writer stops waiting`() async throws {
    let writer = HTTPBodyWriter {}
    let task = Task { try await writer.write([UInt8](repeating: 1, count: 100_000)) }
    try await eventually("the bytes are there") { writer.total == 100_000 }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test func `writing after the reader left throws`() async throws {
    let writer = HTTPBodyWriter {}
    writer.close()
    await #expect(throws: CancellationError.self) { try await writer.write("a") }
  }
}
