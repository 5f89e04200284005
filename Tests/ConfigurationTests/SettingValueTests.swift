import AppConfiguration
import Testing

@Suite struct SettingValueTests {
  private func parse<Value: SettingValue>(_ text: String, as type: Value.Type = Value.self) throws -> Value {
    try Value.parse(.text(text))
  }

  private func fault<Value: SettingValue>(_ text: String, as type: Value.Type) -> String? {
    do {
      _ = try type.parse(.text(text))
      return nil
    } catch {
      return error.description
    }
  }

  @Test(
    arguments: [
      ("0", .zero), ("0s", .zero), ("30m", .seconds(1800)), ("1h30m", .seconds(5400)), ("500ms", .milliseconds(500)),
      ("1d", .seconds(86_400)), ("1.5s", .milliseconds(1500)), ("2us3ns", .nanoseconds(2003)),
      ("1µs", .microseconds(1)),
      ("0.000000001s", .nanoseconds(1)), ("100000d", .seconds(8_640_000_000)), ("1.50h", .seconds(5400)),
    ] as [(String, Duration)])
  func `a duration is read with its units`(text: String, expected: Duration) throws {
    #expect(try parse(text) == expected)
  }

  @Test(arguments: [
    ("30", "'30' has no unit: add a unit, such as '30s' or '30m'"),
    ("1h30", "'1h30' has no unit: add a unit, such as '1h30s' or '1h30m'"),
    ("", "expected a duration such as '30s', '1h30m' or '500ms', found no value"),
    ("soon", "expected a duration such as '30s', '1h30m' or '500ms', found 'soon'"),
    ("-5s", "a duration cannot be negative, found '-5s'"),
    ("5 s", "unknown unit ' s' in '5 s' (units are d, h, m, s, ms, us, ns)"),
    ("5min", "unknown unit 'min' in '5min': write 'm' (units are d, h, m, s, ms, us, ns)"),
    ("30m1h", "'30m1h' names its units out of order: write each once, the largest first"),
    ("1s1s", "'1s1s' names its units out of order: write each once, the largest first"),
    ("1..5s", "'1..5' in '1..5s' is not a number"), (".5s", "'.5' in '.5s' is not a number"),
    ("0.5ns", "'0.5ns' is finer than a nanosecond"), ("999999999d", "'999999999d' is too long a duration"),
    ("99999999999999999999s", "'99999999999999999999s' is too long a duration"),
  ])
  func `a wrong duration says how to write it`(text: String, expected: String) {
    #expect(fault(text, as: Duration.self) == expected)
  }

  @Test func `the name of a case is read in capitals too`() throws {
    #expect(try parse("JSON", as: TestSettings.Format.self) == .json)
    #expect(fault("JSONL", as: TestSettings.Format.self)?.contains("(did you mean 'json'?)") == true)
  }

  @Test func `any duration that a setting can hold survives being written and read`() throws {
    for _ in 0..<1000 {
      let magnitude = Int64.max >> Int64.random(in: 0...62)
      let duration = Duration.nanoseconds(Int64.random(in: 0...magnitude))
      #expect(try parse(duration.settingText) == duration)
    }
    #expect(Duration.seconds(3600).settingText == "1h")
    #expect(Duration.milliseconds(90_500).settingText == "1m30s500ms")
    #expect(Duration.zero.settingText == "0s")
  }

  @Test(
    arguments: [
      ("127.0.0.1:8080", .tcp(host: "127.0.0.1", port: 8080)), ("[::1]:0", .tcp(host: "::1", port: 0)),
      (":80", .tcp(host: "", port: 80)), ("my-host.example:65535", .tcp(host: "my-host.example", port: 65535)),
      ("unix:/run/app.sock", .unix(path: "/run/app.sock")), ("unix:app.sock", .unix(path: "app.sock")),
    ] as [(String, ListenAddress)])
  func `an address is read and written alike`(text: String, expected: ListenAddress) throws {
    let address: ListenAddress = try parse(text)
    #expect(address == expected)
    #expect(address.description == text)
  }

  @Test(arguments: [
    ("8080", "'8080' is not host:port: write '127.0.0.1:8080'"),
    ("localhost", "'localhost' is not host:port: write 'localhost:8080'"),
    ("localhost:", "'' in 'localhost:' is not a port from 0 to 65535"),
    ("localhost:65536", "'65536' in 'localhost:65536' is not a port from 0 to 65535"),
    ("localhost:+80", "'+80' in 'localhost:+80' is not a port from 0 to 65535"),
    ("::1:8080", "'::1:8080' is not host:port: write an IPv6 address in brackets, as in '[::1]:8080'"),
    ("[::g]:80", "'::g' in '[::g]:80' is not an IPv6 address"),
    ("300.1.1.1:80", "'300.1.1.1' in '300.1.1.1:80' is not a host name or an address"),
    ("a b:80", "'a b' in 'a b:80' is not a host name or an address"),
    ("unix:", "'unix:' names no path: write 'unix:/run/app.sock'"),
  ])
  func `a wrong address says how to write it`(text: String, expected: String) {
    #expect(fault(text, as: ListenAddress.self) == expected)
  }

  @Test func `a socket path that the system cannot hold is refused`() {
    let path = "/" + String(repeating: "x", count: 107)
    #expect(fault("unix:\(path)", as: ListenAddress.self)?.hasSuffix("is longer than 107 bytes") == true)
  }

  @Test func `whole numbers are decimal and in range`() throws {
    #expect(try parse("-42") == -42)
    #expect(fault("4.5", as: Int.self) == "expected a whole number, found '4.5'")
    #expect(fault("0x10", as: Int.self) == "expected a whole number, found '0x10'")
    #expect(fault("99999999999999999999", as: Int.self)?.contains("is outside") == true)
    #expect(fault("nan", as: Double.self) == "expected a number, found 'nan'")
  }

  @Test func `an optional of nothing is nil and of text is the value`() throws {
    #expect(try Int?.parse(.null) == nil)
    #expect(try Int?.parse(.text("5")) == 5)
    #expect(fault("x", as: Int?.self) == "expected a whole number, found 'x'")
    #expect((nil as Int?).settingText == "null")
  }
}
