import Foundation
import Synchronization
import Testing

@testable import StructuredLogging

/// A pipe whose ends are closed with it.
private final class TestPipe {
  let readEnd: Int32
  let writeEnd: Int32

  init() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    (readEnd, writeEnd) = (ends[0], ends[1])
  }

  deinit {
    close(readEnd)
    close(writeEnd)
  }

  func fill() -> Int {
    _ = fcntl(writeEnd, F_SETFL, O_NONBLOCK)
    let page = [UInt8](repeating: UInt8(ascii: "x"), count: 4096)
    var total = 0
    while true {
      let count = write(writeEnd, page, page.count)
      if count < 0 { return total }
      total += count
    }
  }

  func read(_ count: Int) -> String {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = Foundation.read(readEnd, &bytes, count)
    return String(decoding: bytes.prefix(max(got, 0)), as: UTF8.self)
  }
}

@Suite struct DescriptorLogOutputTests {
  private func entry(_ message: String) -> LogEntry {
    LogEntry(timestamp: LogTimestamp(seconds: 0), level: .info, label: "test", message: message)
  }

  @Test func `an entry becomes one line on the descriptor`() throws {
    let pipe = try TestPipe()
    DescriptorLogOutput(descriptor: pipe.writeEnd, format: .text).write(entry("hello"))
    #expect(pipe.read(4096) == "1970-01-01T00:00:00.000Z INFO     test: hello\n")
  }

  @Test func `a pipe nobody reads costs the line and not the process`() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { close(ends[1]) }
    close(ends[0])
    let output = DescriptorLogOutput(descriptor: ends[1], format: .json)
    output.write(entry("lost"))
    output.write(entry("lost too"))
    #expect(output.droppedLines == 2)
  }

  @Test func `a closed descriptor costs the line`() {
    let output = DescriptorLogOutput(descriptor: -1, format: .text)
    output.write(entry("lost"))
    #expect(output.droppedLines == 1)
  }

  @Test func `a full non-blocking pipe costs the line after the patience`() throws {
    let pipe = try TestPipe()
    let filled = pipe.fill()
    let writer = LineWriter(descriptor: pipe.writeEnd, patience: .milliseconds(1))
    writer.write(Array("lost\n".utf8))
    #expect(writer.droppedLines == 1)

    _ = pipe.read(filled)
    writer.write(Array("kept\n".utf8))
    #expect(pipe.read(100).hasSuffix("kept\n"))
    #expect(writer.droppedLines == 1)
  }

  @Test func `a full pipe that blocks costs lines, and not the thread that logs`()
    async throws
  {
    let pipe = try TestPipe()
    let filled = pipe.fill()
    _ = fcntl(pipe.writeEnd, F_SETFL, 0)
    let writer = LineWriter(descriptor: pipe.writeEnd)
    let count = 10_000
    let written = Mutex(0)
    Thread.detachNewThread {
      for _ in 0..<count {
        writer.write(Array("lost\n".utf8))
        written.withLock { $0 += 1 }
      }
    }
    let deadline = ContinuousClock.now + .seconds(60)
    while written.withLock({ $0 }) < count, ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(2))
    }
    #expect(written.withLock { $0 } == count)

    // Somebody reads again: the next line arrives, and a thread that is stuck ends.
    _ = pipe.read(filled)
    guard written.withLock({ $0 }) == count else { return }
    #expect(writer.droppedLines == count)
    writer.write(Array("kept\n".utf8))
    #expect(pipe.read(100).hasSuffix("kept\n"))
  }

  @Test func `a long line to a pipe that is read arrives whole`() throws {
    let pipe = try TestPipe()
    let line = String(repeating: "z", count: 200_000) + "\n"
    let writer = LineWriter(descriptor: pipe.writeEnd, patience: .seconds(60))
    Thread.detachNewThread { writer.write(Array(line.utf8)) }
    var got = ""
    while got.utf8.count < line.utf8.count { got += pipe.read(1 << 20) }
    #expect(got == line && writer.droppedLines == 0)
  }

  @Test func `a line cut short is ended before the next one`() throws {
    let pipe = try TestPipe()
    _ = pipe.fill()
    // A page of room, a line of two: the system takes the first part only.
    _ = pipe.read(4096)
    let writer = LineWriter(descriptor: pipe.writeEnd, patience: .milliseconds(1))
    writer.write([UInt8](repeating: UInt8(ascii: "y"), count: 8192) + [UInt8(ascii: "\n")])
    #expect(writer.droppedLines == 1)

    _ = pipe.read(1 << 20)
    writer.write(Array("next\n".utf8))
    #expect(pipe.read(100) == "\nnext\n")
  }

  @Test func `lines of several threads never mix`() async throws {
    let path = NSTemporaryDirectory() + "keel-log-\(UUID().uuidString)"
    let descriptor = open(path, O_CREAT | O_WRONLY, 0o600)
    try #require(descriptor >= 0)
    defer {
      close(descriptor)
      unlink(path)
    }
    let logger = Logger(label: "test", output: DescriptorLogOutput(descriptor: descriptor, format: .json))
    await withTaskGroup { group in
      for task in 0..<8 {
        group.addTask {
          let text = String(repeating: "\(task)", count: 500)
          for _ in 0..<100 { logger.info("\(text)") }
        }
      }
    }
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 800)
    for line in lines {
      #expect(try JSONSerialization.jsonObject(with: Data(line.utf8)) is [String: Any])
    }
  }
}
