import AppConfiguration
import HTTPServer
import Testing

@testable import Host

@Suite struct HostSettingsTests {
  @Test func `the listener's limits are those that are set, and the server's own by default`() throws {
    let (plain, own) = (try HostSettings(Configuration()).http, HTTPServerConfiguration())
    #expect(plain.maxConnections == own.maxConnections && plain.maxConnectionsPerAddress == 0)
    #expect(plain.headerLimit == own.headerLimit && plain.bodyLimit == own.bodyLimit)
    #expect(plain.idleTimeout == own.idleTimeout && plain.readTimeout == own.readTimeout)

    let set = try HostSettings(
      Configuration(flags: [
        "host.max_connections": "7", "host.max_connections_per_address": "3", "host.header_limit": "2048",
        "host.body_limit": "0", "host.idle_timeout": "5s", "host.read_timeout": "0s",
      ])
    ).http
    #expect(set.maxConnections == 7 && set.maxConnectionsPerAddress == 3)
    #expect(set.headerLimit == 2048 && set.bodyLimit == 0)
    #expect(set.idleTimeout == .seconds(5) && set.readTimeout == .zero)
  }

  @Test func `a longer idle time-out takes the read time-out along, unless that is set`() throws {
    let http = try HostSettings(Configuration(flags: ["host.idle_timeout": "90s"])).http
    #expect(http.idleTimeout == .seconds(90) && http.readTimeout == .seconds(180))
    #expect(throws: ConfigurationError.self) {
      try HostSettings(Configuration(flags: ["host.idle_timeout": "90s", "host.read_timeout": "60s"]))
    }
  }

  @Test func `a read time-out that the idle time-out would always forestall is refused`() {
    let error = #expect(throws: ConfigurationError.self) {
      try HostSettings(Configuration(flags: ["host.read_timeout": "30s"]))
    }
    #expect("\(error as Any)".contains("host.read_timeout is 30s, not longer than host.idle_timeout, which is 30s"))
  }
}
