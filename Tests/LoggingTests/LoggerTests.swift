import StructuredLogging
import Synchronization
import Testing

@Suite struct LoggerTests {
  @Test func `an entry carries label, level, message and the pairs of logger and call in order`() throws {
    let recording = RecordingLogOutput()
    let logger = Logger(label: "shop", output: recording).with("module", "orders")
    logger.warning("stock low", ["item": 7, "left": 2])

    let entry = try #require(recording.entry("stock low"))
    #expect(entry.level == .warning)
    #expect(entry.label == "shop")
    #expect(entry.metadata == ["module": "orders", "item": 7, "left": 2])
    #expect(entry.metadata.map(\.key) == ["module", "item", "left"])
  }

  @Test func `a pair of the call replaces the logger's pair of the same key at its place`() {
    let recording = RecordingLogOutput()
    Logger(label: "shop", output: recording).with(["a": 1, "b": 2]).info("x", ["a": 3, "c": 4])
    #expect(recording.entries.map(\.metadata) == [["a": 3, "b": 2, "c": 4]])
  }

  @Test func `neither message nor metadata is evaluated below the level`() {
    let evaluations = Mutex(0)
    func count() -> String {
      evaluations.withLock { $0 += 1 }
      return "counted"
    }
    let recording = RecordingLogOutput()
    let logger = Logger(label: "shop", level: .notice, output: recording)
    logger.info(count(), ["value": .string(count())])
    Logger.none.critical(count(), ["value": .string(count())])

    #expect(evaluations.withLock { $0 } == 0)
    #expect(recording.entries.isEmpty)
  }

  @Test func `a level change reaches every copy at once`() {
    let recording = RecordingLogOutput()
    let parent = Logger(label: "shop", output: recording)
    let child = parent.with("child", true).labelled("shop.child")
    #expect(!child.isEnabled(.debug))

    parent.levelControl.set(.debug)
    #expect(child.isEnabled(.debug))
    #expect(child.levelControl.level == .debug)
    child.debug("seen")
    #expect(recording.entry("seen")?.label == "shop.child")

    child.levelControl.set(nil)
    parent.critical("dropped")
    #expect(recording.entry("dropped") == nil)
  }

  @Test func `the silent logger stays silent whatever is set`() {
    Logger.none.levelControl.set(.trace)
    #expect(!Logger.none.isEnabled(.critical))
  }

  @Test func `each level's method writes that level`() {
    let recording = RecordingLogOutput()
    let logger = Logger(label: "shop", level: .trace, output: recording)
    logger.trace("m")
    logger.debug("m")
    logger.info("m")
    logger.notice("m")
    logger.warning("m")
    logger.error("m")
    logger.critical("m")
    #expect(recording.entries.map(\.level) == Logger.Level.allCases)
    #expect(Logger.Level.allCases.sorted() == Logger.Level.allCases)
  }

  @Test func `metadata keeps the order of a literal and drops a pair set to nil`() {
    var metadata: LogMetadata = ["z": 1, "a": 2, "z": 3]
    #expect(metadata.map(\.key) == ["z", "a"])
    #expect(metadata["z"] == 3)
    metadata["z"] = nil
    #expect(metadata == ["a": 2])
  }

  @Test func `a number too wide for 64 signed bits keeps its digits`() {
    #expect(LogValue.integer(UInt64.max) == .string("18446744073709551615"))
    #expect(LogValue.integer(UInt8(7)) == .integer(7))
  }
}
