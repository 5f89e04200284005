import AppConfiguration
import Migrations
import Testing

@testable import Host

@Suite struct MigrateRequestTests {
  private func request(_ words: [String]) throws -> MigrateRequest {
    try MigrateRequest(CommandParser(catalogs: []).parse(["migrate"] + words))
  }

  @Test(
    arguments: [
      (["up"], .migrate(.up())), (["up", "3"], .migrate(.up(limit: 3))),
      (["down"], .migrate(.down(count: 1))), (["down", "2"], .migrate(.down(count: 2))),
      (["down", "--all"], .migrate(.downAll)), (["down", "--all", "--dry-run"], .plan(.downAll)),
      (["to", "0"], .migrate(.to(0))), (["to", "7", "--set", "hello"], .migrate(.to(7, set: "hello"))),
      (["redo"], .migrate(.redo)), (["redo", "--dry-run"], .plan(.redo)),
      (["force", "21"], .force(21, set: nil)), (["baseline", "9", "--set=x"], .baseline(9, set: "x")),
      (["resume"], .resume), (["status"], .status), (["verify"], .verify), (["version"], .version),
      (["plan"], .plan(.up())), (["plan", "up", "2"], .plan(.up(limit: 2))), (["plan", "to", "4"], .plan(.to(4))),
      (["plan", "--check"], .rehearse(.up())), (["plan", "down", "--check"], .rehearse(.down(count: 1))),
      (["plan", "--all"], .plan(.downAll)), (["plan", "down", "--all"], .plan(.downAll)),
    ] as [([String], MigrateRequest)])
  func `a subcommand becomes a request`(words: [String], request: MigrateRequest) throws {
    #expect(try self.request(words) == request)
  }

  @Test(arguments: [
    (["up", "x"], "migrate up wants a number from 1 up, not 'x'"),
    (["up", "0"], "migrate up wants a number from 1 up, not '0'"),
    (["down", "-3"], "migrate down wants a number from 1 up, not '-3'"),
    (["down", "2", "--all"], "migrate down takes a number or --all, not both '2' and --all"),
    (["to"], "migrate to wants the version to go to, such as migrate to 21"),
    (["to", "1", "2"], "migrate to takes one argument, but there is '2' too"),
    (["force"], "migrate force wants the version that the database has, such as migrate force 21"),
    (["force", "-1"], "migrate force wants a number from 0 up, not '-1'; 0 is before the first migration"),
    (["plan", "sideways"], "migrate plan wants one of up, down, to, redo, not 'sideways', as in migrate plan down 2"),
    (["plan", "redo", "2"], "migrate plan redo takes no argument, but there is '2'"),
    (
      ["up", "postgres://ada:pw@db/app"],
      "migrate up wants a number from 1 up, not a connection string (the database follows --database-url)"
    ),
    (
      ["to", "1", "host=db password=pw"],
      "migrate to takes one argument, but there is a connection string (the database follows --database-url) too"
    ),
    (["plan", "up", "--all"], "--all is for down, not for up"),
    (["plan", "up", "--set", "x"], "--set is for to, not for up"),
  ])
  func `a mistake is named`(words: [String], message: String) {
    let error = #expect(throws: UsageError.self) { try request(words) }
    #expect(error?.description == message)
  }
}
