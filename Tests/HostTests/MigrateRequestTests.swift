import Migrations
import Testing

@testable import Host

@Suite struct MigrateRequestTests {
  @Test(
    arguments: [
      ("up", [], .migrate(.up())), ("up", ["3"], .migrate(.up(limit: 3))),
      ("down", [], .migrate(.down(count: 1))), ("down", ["2"], .migrate(.down(count: 2))),
      ("to", ["0"], .migrate(.to(0))), ("redo", [], .migrate(.redo)), ("force", ["21"], .force(version: 21)),
      ("resume", [], .resume), ("status", [], .status), ("verify", [], .verify), ("version", [], .version),
    ] as [(String, [String], MigrateRequest)])
  func `a subcommand becomes a request`(word: String, arguments: [String], request: MigrateRequest) throws {
    #expect(try MigrateRequest(word, arguments) == request)
  }

  @Test func `down takes a number or --all`() throws {
    #expect(try MigrateRequest("down", [], all: true) == .migrate(.downAll))
    let error = #expect(throws: UsageError.self) { try MigrateRequest("down", ["2"], all: true) }
    #expect(error?.description == "migrate down takes a number or --all, not both '2' and --all")
  }

  @Test(arguments: [
    ("up", ["x"], "migrate up wants a number from 1 up, not 'x'"),
    ("up", ["0"], "migrate up wants a number from 1 up, not '0'"),
    ("down", ["-3"], "migrate down wants a number from 1 up, not '-3'"),
    ("to", [], "migrate to wants the version to go to, such as migrate to 21"),
    ("to", ["1", "2"], "migrate to takes one argument, but there is '2' too"),
    ("force", [], "migrate force wants the version that the database has, such as migrate force 21"),
    ("force", ["-1"], "migrate force wants a number from 0 up, not '-1'"),
  ])
  func `a number that is none is named`(word: String, arguments: [String], message: String) {
    let error = #expect(throws: UsageError.self) { try MigrateRequest(word, arguments) }
    #expect(error?.description == message)
  }
}
