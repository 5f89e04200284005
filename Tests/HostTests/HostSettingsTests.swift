import AppConfiguration
import Foundation
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

  @Test func `the admin listener has the limits of the other one`() throws {
    let flags = [
      "host.admin_listen": "127.0.0.1:0", "host.header_limit": "2048", "host.idle_timeout": "5s",
      "host.read_timeout": "6s", "host.max_connections": "7",
    ]
    let admin = try #require(try HostSettings(Configuration(flags: flags)).adminHTTP)
    #expect(admin.headerLimit == 2048 && admin.maxConnections == 7)
    #expect(admin.idleTimeout == .seconds(5) && admin.readTimeout == .seconds(6))
    #expect("\(admin.address)" == "127.0.0.1:0" && admin.tls == nil)
  }

  @Test(arguments: ["127.0.0.1:7777", "unix:/run/app.sock"])
  func `two listeners at one address are refused, with both settings`(address: String) {
    let error = #expect(throws: ConfigurationError.self) {
      try HostSettings(Configuration(flags: ["host.listen": address, "host.admin_listen": address]))
    }
    #expect("\(error as Any)".contains("host.admin_listen is \(address), where host.listen is already"))
    #expect(throws: Never.self) {
      try HostSettings(Configuration(flags: ["host.listen": "127.0.0.1:0", "host.admin_listen": "127.0.0.1:0"]))
    }
  }

  @Test(arguments: [
    (":7777", "127.0.0.1:7777"), ("127.0.0.1:7777", "0.0.0.0:7777"), ("0.0.0.0:7777", ":7777"),
    ("[::]:7777", "[::1]:7777"), ("localhost:7777", ":7777"),
  ])
  func `a listener on every interface takes the port from one on a single one`(listen: String, admin: String) {
    let error = #expect(throws: ConfigurationError.self) {
      try HostSettings(Configuration(flags: ["host.listen": listen, "host.admin_listen": admin]))
    }
    #expect("\(error as Any)".contains("give it a port of its own"))
  }

  @Test(arguments: [
    ("127.0.0.1:7777", "127.0.0.2:7777"), ("0.0.0.0:7777", "[::1]:7777"), (":0", "127.0.0.1:0"),
    (":7777", "127.0.0.1:7778"), (":7777", "unix:/run/app.sock"),
  ])
  func `listeners that share no port are fine`(listen: String, admin: String) {
    #expect(throws: Never.self) {
      try HostSettings(Configuration(flags: ["host.listen": listen, "host.admin_listen": admin]))
    }
  }

  @Test func `files that are no certificate and key are refused before anything starts`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "keel-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (certificate, key) = (folder.appending(path: "c.pem").path, folder.appending(path: "k.pem").path)
    for path in [certificate, key] {
      try "-----BEGIN NOTHING-----\n".write(toFile: path, atomically: true, encoding: .utf8)
    }
    let error = #expect(throws: ConfigurationError.self) {
      try HostSettings(Configuration(flags: ["host.tls_certificate": certificate, "host.tls_key": key]))
    }
    #expect("\(error as Any)".contains("no server can use the certificate in \(certificate) with the key in \(key)"))
  }

  @Test func `a read time-out that the idle time-out would always forestall is refused`() {
    let error = #expect(throws: ConfigurationError.self) {
      try HostSettings(Configuration(flags: ["host.read_timeout": "30s"]))
    }
    #expect("\(error as Any)".contains("host.read_timeout is 30s, not longer than host.idle_timeout, which is 30s"))
  }
}
