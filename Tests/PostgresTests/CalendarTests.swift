import FoundationEssentials
import Postgres
import Testing

@Suite struct CalendarTests {
  @Test(arguments: [
    (2000, 1, 1, 0), (1999, 12, 31, -1), (1970, 1, 1, -10_957), (2024, 2, 29, 8825), (1, 1, 1, -730_119),
    (0, 2, 29, -730_426), (-4712, 1, 1, -2_451_507), (5_874_897, 12, 31, 2_145_031_948),
  ])
  func `a day is counted from 2000-01-01`(year: Int, month: Int, day: Int, days: Int) throws {
    let date = try #require(PostgresDate(year: year, month: month, day: day))
    #expect(date.daysSince2000 == days)
    let parts = try #require(date.components)
    #expect(parts == (year, month, day))
  }

  @Test func `every day of five centuries follows the one before`() throws {
    var expected = (year: 1600, month: 1, day: 1)
    var date = try #require(PostgresDate(year: 1600, month: 1, day: 1))
    while expected.year < 2100 {
      let parts = try #require(date.components)
      #expect(parts == expected)
      #expect(PostgresDate(date.description) == date)
      date = PostgresDate(daysSince2000: date.daysSince2000 + 1)
      if PostgresDate(year: expected.year, month: expected.month, day: expected.day + 1) != nil {
        expected.day += 1
      } else if expected.month < 12 {
        expected = (expected.year, expected.month + 1, 1)
      } else {
        expected = (expected.year + 1, 1, 1)
      }
    }
  }

  @Test(arguments: [
    "", "2024", "2024-2-3", "2023-02-29", "1900-02-29", "2024-13-01", "2024-00-10", "2024-01-32", "0000-01-01",
    "2024-01-01 ", "-2024-01-01", "24-01-01", "2024-01-+1", "Infinity",
  ])
  func `what is no day is refused`(text: String) { #expect(PostgresDate(text) == nil) }

  @Test(arguments: [
    "", "12", "12:00", "24:00:00.1", "12:60:00", "12:00:60", "1:00:00", "12:00:00.", "12:00:00.1234567",
  ])
  func `what is no time is refused`(text: String) { #expect(PostgresTime(text) == nil) }

  @Test(arguments: ["12:00:00", "12:00:00+1", "12:00:00+16", "12:00:00+01:60", "12:00:00+01:00:00:00", "+01"])
  func `what is no time with an offset is refused`(text: String) { #expect(PostgresTimeTZ(text) == nil) }

  @Test(arguments: ["2024-02-29", "2024-02-30 12:00:00", "2024-02-29 25:00:00", "999999-01-01 00:00:00"])
  func `what is no timestamp is refused`(text: String) { #expect(PostgresTimestamp(text) == nil) }

  @Test func `a timestamp is a day and a time, before 2000 too`() throws {
    let timestamp = try #require(PostgresTimestamp("1999-12-31T23:59:59.5"))
    #expect(timestamp.microsecondsSince2000 == -500_000)
    #expect("\(timestamp.date)" == "1999-12-31" && "\(timestamp.time)" == "23:59:59.5")
    #expect(PostgresTimestamp(utc: timestamp.utc) == timestamp)
    #expect(PostgresTimestamp(.infinity) == .infinity && PostgresTimestamp.infinity.utc == .distantFuture)
  }

  @Test func `spans are written as ISO 8601 does`() {
    let spans: [(PostgresInterval, String)] = [
      (.init(), "PT0S"), (.init(months: 14), "P1Y2M"), (.init(days: -1), "P-1D"),
      (.init(microseconds: 3_661_000_001), "PT1H1M1.000001S"), (.init(microseconds: -500_000), "PT-0.5S"),
      (.init(months: 1, microseconds: 60_000_000), "P1MT1M"), (.infinity, "infinity"),
    ]
    for (span, text) in spans { #expect(span.description == text) }
  }

  @Test(arguments: [
    "", "1.2.3", "256.0.0.1", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/8/8", "::1/129", "g::", "1.2.3.4 ",
  ])
  func `what is no address is refused`(text: String) { #expect(PostgresInet(text) == nil) }

  @Test func `a network has no bits behind its size`() {
    #expect(PostgresCIDR("10.0.0.1/8") == nil)
    #expect(PostgresCIDR("10.0.0.0/8").map { "\($0)" } == "10.0.0.0/8")
    #expect(PostgresCIDR("10.128.0.0/9") != nil && PostgresCIDR("10.128.0.0/8") == nil)
  }

  @Test(arguments: [
    "", "08:00:2b:01:02", "08:00:2b:01:02:0g", "8:0:2b:1:2:3", "08-00-2b-01-02-03", "+8:00:2b:01:02:03",
  ])
  func `what is no address of a card is refused`(text: String) { #expect(PostgresMACAddress(text) == nil) }

  @Test func `as JSON they are their texts`() throws {
    struct All: Codable, Equatable {
      var date = PostgresDate(daysSince2000: 0)
      var time = PostgresTime.midnight
      var moment = PostgresTimestamp.infinity
      var address = PostgresInet("::1")
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let json = try encoder.encode(All())
    #expect(
      String(decoding: json, as: UTF8.self)
        == #"{"address":"::1","date":"2000-01-01","moment":"infinity","time":"00:00:00"}"#)
    #expect(try JSONDecoder().decode(All.self, from: json) == All())
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(PostgresDate.self, from: Data("\"x\"".utf8)) }
  }

  @Test func `a range has what lies between its edges`() {
    let range = PostgresRange(1..<3)
    #expect([0, 1, 2, 3].map(range.contains) == [false, true, true, false])
    #expect([0, 1, 2].map(PostgresRange(.exclusive(0), .inclusive(1)).contains) == [false, true, false])
    #expect(PostgresRange<Int>(.unbounded, .unbounded).contains(.max))
    #expect(!PostgresRange<Int>.empty.contains(0) && PostgresRange(2..<2) == .empty)
    #expect(PostgresRange(2..<2).hashValue == PostgresRange<Int>.empty.hashValue)
  }

  @Test func `moments at both ends of what 64 bits hold have a text`() {
    for moment: Int64 in [.min + 1, .max - 1] {
      #expect(!PostgresTimestamp(microsecondsSince2000: moment).description.isEmpty)
    }
    #expect(PostgresTimeTZ(.midnight, secondsFromUTC: .min) == nil)
  }

  @Test func `an address with more behind it is none`() { #expect(PostgresInet("10.0.0.1\u{0}evil") == nil) }
}
