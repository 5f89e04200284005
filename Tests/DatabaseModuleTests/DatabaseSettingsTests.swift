import AppConfiguration
import Postgres
import Testing

@testable import DatabaseModule

@Suite struct DatabaseSettingsTests {
  @Test func `a minimum above what a maximum of 0 stands for is refused with both numbers`() throws {
    let most = PostgresPool.Configuration.effectiveMaxConnections(0)
    _ = try DatabaseSettings(Configuration(flags: ["database.min_conns": "\(most)"]))
    let tooMany = ["database.min_conns": "\(most + 1)"]
    for flags in [tooMany, tooMany.merging(["database.max_conns": "0"]) { $1 }] {
      let error = #expect(throws: ConfigurationError.self) { try DatabaseSettings(Configuration(flags: flags)) }
      let text = error.map { "\($0)" } ?? ""
      #expect(text.contains("database.min_conns is \(most + 1)"))
      #expect(text.contains("which is 0 and stands for \(most) on this machine"))
    }
  }

  @Test(arguments: [" ", "host=standby, ,host=other"])
  func `a replica without a URL is refused, as a server without one is`(replicas: String) {
    let error = #expect(throws: ConfigurationError.self) {
      try DatabaseSettings(Configuration(flags: ["database.replicas": replicas]))
    }
    #expect(error.map { "\($0)" }?.contains("no URL may be empty") == true)
  }

  @Test(arguments: ["database.url", "database.replicas"])
  func `a text by which no server can be found is refused before anything starts, and not shown`(path: String) {
    for text in ["mysql://u:hunter2@h/d", "postgres://u:hunter2@h:port/d", "postgres://u:hunter2%zz@h/d"] {
      let error = #expect(throws: ConfigurationError.self) {
        try DatabaseSettings(Configuration(flags: [path: text]))
      }
      let message = error.map { "\($0)" } ?? ""
      #expect(message.contains("\(path): malformed connection string") && !message.contains("hunter2"))
    }
  }

  @Test func `a minimum above a maximum is refused`() {
    #expect(throws: ConfigurationError.self) {
      try DatabaseSettings(Configuration(flags: ["database.min_conns": "3", "database.max_conns": "2"]))
    }
  }
}
