import Foundation
import Testing

@testable import StructuredLogging

@Suite struct LogFormatTests {
  private let moment = LogTimestamp(seconds: 1_769_860_800, nanoseconds: 7_900_000)

  private func text(_ message: String, _ metadata: LogMetadata, level: Logger.Level = .info) -> String {
    let entry = LogEntry(timestamp: moment, level: level, label: "shop", message: message, metadata: metadata)
    return String(decoding: TextLogFormatter(usesColor: false).line(for: entry), as: UTF8.self)
  }

  private func json(_ message: String, _ metadata: LogMetadata) -> String {
    let entry = LogEntry(timestamp: moment, level: .error, label: "shop", message: message, metadata: metadata)
    return String(decoding: JSONLogFormatter().line(for: entry), as: UTF8.self)
  }

  @Test func `text shows time, aligned level, label, message and pairs`() {
    #expect(
      text("order placed", ["id": 42, "total": 19.5, "paid": true])
        == "2026-01-31T12:00:00.007Z INFO     shop: order placed id=42 total=19.5 paid=true\n")
    #expect(text("m", [:], level: .critical) == "2026-01-31T12:00:00.007Z CRITICAL shop: m\n")
  }

  @Test(arguments: [
    ("plain", "plain"), ("", #""""#), ("two words", #""two words""#), ("a=b", #""a=b""#),
    (#"say "hi""#, #""say \"hi\"""#), ("line\nbreak", #""line\nbreak""#), ("\u{1b}[31m", #""\u001b[31m""#),
    ("\u{9b}31m", #""\u009b31m""#), ("grüße", "grüße"), ("£5", #""£5""#), ("日本", "日本"),
  ])
  func `text quotes a value that is not one plain word`(value: String, expected: String) {
    #expect(text("m", ["v": .string(value)]).hasSuffix(" m v=\(expected)\n"))
  }

  @Test func `text flattens dictionaries and brackets arrays`() {
    let metadata: LogMetadata = ["user": ["id": 1, "tags": ["a", "b c"]], "none": [:] as LogValue]
    #expect(text("m", metadata).hasSuffix(#" m user.id=1 user.tags=[a,"b c"] none={}"# + "\n"))
  }

  @Test func `a line break in message or label never makes a second line`() {
    let line = text("one\r\ntwo\u{85}", ["k\n": "v\n"])
    #expect(line.utf8.filter { $0 == UInt8(ascii: "\n") }.count == 1)
    #expect(line.contains(#"one\r\ntwo\u0085"#))
  }

  @Test(
    arguments: [
      0x85, 0x2028, 0x2029, 0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069,
    ] as [UInt32])
  func `what ends a line or turns its direction for some readers is escaped, its neighbours are not`(
    code: UInt32
  ) throws {
    let scalar = try #require(Unicode.Scalar(code))
    let value = "a\(scalar)b\u{2027}\u{202F}\u{2065}\u{206A}\u{E000}…"
    let hexadecimal = String(code, radix: 16)
    let escaped = "a\\u\(String(repeating: "0", count: 4 - hexadecimal.count))\(hexadecimal)b"
    for line in [text(value, ["k": .string(value)]), text("m", ["k\(scalar)": 1]), json(value, ["k": .string(value)])] {
      #expect(!line.unicodeScalars.contains(scalar), "\(line)")
    }
    #expect(text(value, [:]).contains(escaped + "\u{2027}\u{202F}\u{2065}\u{206A}\u{E000}…"))
  }

  @Test(arguments: [
    (Duration.zero, "0ns"), (.nanoseconds(850), "850ns"), (.microseconds(12), "12µs"),
    (.nanoseconds(12_500), "12.5µs"), (.milliseconds(5), "5ms"), (.microseconds(12_345), "12.3ms"),
    (.nanoseconds(807_489), "807µs"), (.nanoseconds(999_950), "1ms"), (.milliseconds(1_636), "1.64s"),
    (.milliseconds(59_949), "59.9s"), (.milliseconds(59_960), "1m0s"), (.microseconds(1_004), "1ms"),
    (.milliseconds(1250), "1.25s"), (.seconds(59), "59s"), (.seconds(125), "2m5s"),
    (.seconds(3661), "1h1m1s"), (.milliseconds(-5), "-5ms"),
    (Duration(secondsComponent: .min, attosecondsComponent: 0), "-2562047788015215h30m8s"),
  ])
  func `a duration reads in its best unit, in three figures at most`(duration: Duration, expected: String) {
    #expect(duration.logText == expected)
  }

  @Test func `json is one object with fixed members first`() {
    #expect(
      json("failed", ["id": 42, "took": .duration(.microseconds(12_500)), "nan": .double(.nan)])
        == #"{"time":"2026-01-31T12:00:00.007Z","level":"error","label":"shop","message":"failed","#
        + #""id":42,"took_seconds":0.0125,"nan":"nan"}"# + "\n")
  }

  @Test func `json moves pairs aside that clash with fixed members`() throws {
    let line = json("failed", ["time": 1, "level": 2, "label": 3, "message": 4])
    let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    #expect(object["message"] as? String == "failed")
    #expect(object["metadata.message"] as? Int == 4)
    #expect(object.count == 8)
  }

  @Test func `a duration in json says its unit, where its key is that of a fixed member too`() throws {
    let line = json("done", ["time": .duration(.seconds(2)), "level": 2])
    #expect(line.hasSuffix(#""message":"done","time_seconds":2.0,"metadata.level":2}"# + "\n"))
  }

  @Test func `any text survives json on one line`() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<300 {
      let scalars = (0..<20).compactMap { _ in
        Unicode.Scalar(UInt32.random(in: Bool.random() ? 0...0xFF : 0...0x10FFFF, using: &generator))
      }
      let value = String(String.UnicodeScalarView(scalars))
      let line = json(value, ["v": .string(value), "nested": ["inner": [.string(value), 1, false]]])
      #expect(line.utf8.filter { $0 == UInt8(ascii: "\n") }.count == 1)
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      #expect(Array((object["v"] as? String ?? "").unicodeScalars) == scalars)
      #expect(Array((object["message"] as? String ?? "").unicodeScalars) == scalars)
    }
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
    (4_107_542_399, "2100-02-28T23:59:59.000Z"), (-1, "1969-12-31T23:59:59.000Z"),
    (Int64.max, "9999-12-31T23:59:59.000Z"), (Int64.min, "0000-01-01T00:00:00.000Z"),
  ])
  func `a timestamp is ISO 8601 in UTC`(seconds: Int64, expected: String) {
    #expect(LogTimestamp(seconds: seconds).description == expected)
  }

  @Test func `timestamps agree with Foundation's calendar`() {
    for _ in 0..<500 {
      let seconds = Int64.random(in: -10_000_000_000...200_000_000_000)
      let expected = Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
      #expect(LogTimestamp(seconds: seconds).description == expected.replacing("Z", with: ".000Z"))
    }
  }

  @Test func `colour marks levels and keys only when asked for`() {
    let entry = LogEntry(timestamp: moment, level: .error, label: "shop", message: "m", metadata: ["k": 1])
    let coloured = String(decoding: TextLogFormatter(usesColor: true).line(for: entry), as: UTF8.self)
    #expect(coloured.contains("\u{1b}[1;31mERROR   \u{1b}[0m"))
    #expect(!text("m", ["k": 1]).contains("\u{1b}"))
  }
}
