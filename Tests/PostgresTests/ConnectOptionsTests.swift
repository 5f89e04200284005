import Testing

@testable import Postgres

@Suite struct ConnectOptionsTests {
  @Test func `a URI and pairs mean the same`() throws {
    let uri = try ConnectOptions("postgres://ada:pw@db.example:5433/app?sslmode=disable&connect_timeout=3")
    let pairs = try ConnectOptions("host=db.example port=5433 user=ada password=pw dbname=app sslmode=disable")
    #expect(uri["host"] == pairs["host"] && uri["password"] == "pw" && uri.database == "app")
    #expect(uri.connectTimeout == .seconds(3))
    #expect(pairs.connectTimeout == .seconds(5))
    #expect(uri.applicationName == "keel")
  }

  @Test func `the description has no password`() throws {
    let options = try ConnectOptions("postgres://ada:hunter2@db.example/app")
    #expect(options.description == "host=db.example dbname=app user=ada")
  }

  @Test(arguments: [
    "postgres://ada:hun/ter2@db.example/app", "postgres://ada:hunter2@db:port/app", "host=a hunter2", "hunter2",
    "postgres://ada:hunter2@db/app?hunter2=1", "postgres://ada:hunter2%zz@db/app", "password='hunter2",
    "postgres://u:hunter2@h/d?sslmode", "host=a\0b password=hunter2",
  ])
  func `a malformed string is an error that does not quote it`(text: String) {
    let error = #expect(throws: PostgresError.self) { try ConnectOptions(text) }
    #expect(error?.code == .invalidConnectionString)
    #expect(error?.description.contains("hunter2") == false)
    #expect(error?.description.contains("ter2") == false)
  }

  @Test(arguments: ["0", "65536", "x", "-1"]) func `a port that is none is refused`(port: String) {
    #expect(throws: PostgresError.self) { try ConnectOptions("host=a port=\(port)") }
  }

  @Test func `several hosts are tried one by one, each with its own port and address`() throws {
    func shown(_ text: String) throws -> [String] { try ConnectOptions(text).candidates.map(\.description) }
    #expect(try shown("host=a,b port=1,2") == ["host=a port=1", "host=b port=2"])
    #expect(try shown("host=a,b port=1") == ["host=a port=1", "host=b port=1"])
    #expect(
      try shown("host=a,b hostaddr=10.0.0.1,10.0.0.2") == ["host=a hostaddr=10.0.0.1", "host=b hostaddr=10.0.0.2"])
    #expect(try shown("host=a") == ["host=a"])
    let standby = try ConnectOptions("host=a,b target_session_attrs=prefer-standby").candidates
    #expect(standby.map { $0["target_session_attrs"] } == ["standby", "standby", "any", "any"])
  }

  @Test func `hosts are tried in an order of each connection's own when that is asked for`() throws {
    var options = try ConnectOptions("host=a,b,c port=1,2,3")
    options.balancesHosts = true
    let firsts = Set((0..<200).map { _ in options.candidates[0].description })
    #expect(firsts == ["host=a port=1", "host=b port=2", "host=c port=3"])
    #expect(Set(options.candidates.map(\.description)) == firsts)
  }

  @Test func `the SQLSTATE of a refused connect is found in any language`() throws {
    let options = try ConnectOptions("host=a")
    let text =
      "connection to server at \"a\" failed: FATALE:  28P01: autenticazione fallita\nLOCATION:  auth_failed, auth.c:335"
    let error = PostgresError(connectFailure: text, options)
    #expect(error.sqlState == .invalidPassword)
    #expect(error.message == "cannot connect to host=a: connection to server at \"a\" failed: autenticazione fallita")
  }

  @Test func `of two ways to connect, the SQLSTATE is not that of the one which pg_hba has no entry for`() throws {
    let options = try ConnectOptions("host=a")
    let password = "connection to server at \"a\" failed: FATAL:  28P01: password authentication failed\n"
    let entry = "connection to server at \"a\" failed: FATAL:  28000: no pg_hba.conf entry\n"
    let busy = "connection to server at \"a\" failed: FATAL:  53300: sorry, too many clients already\n"
    #expect(PostgresError(connectFailure: password + entry, options).sqlState == .invalidPassword)
    #expect(PostgresError(connectFailure: entry + password, options).sqlState == .invalidPassword)
    #expect(PostgresError(connectFailure: entry + entry, options).sqlState == .invalidAuthorizationSpecification)
    #expect(!PostgresError(connectFailure: busy + entry, options).isPermanent)
  }

  @Test func `that pg_hba has no entry is permanent unless the other way to connect to the same server just failed`()
    throws
  {
    let options = try ConnectOptions("host=a")
    let reset = "connection to server at \"a\" failed: SSL SYSCALL error: Connection reset by peer\n"
    let entry = "connection to server at \"a\" failed: FATAL:  28000: no pg_hba.conf entry\nDETAIL:  none\n"
    let refused = "connection to server at \"::1\" failed: Connection refused\n\tIs the server running?\n"
    let password = "connection to server at \"a\" failed: FATAL:  28P01: password authentication failed\n"
    #expect(!PostgresError(connectFailure: reset + entry, options).isPermanent)
    #expect(!PostgresError(connectFailure: entry + reset, options).isPermanent)
    #expect(!PostgresError(connectFailure: refused + reset + entry, options).isPermanent)
    #expect(PostgresError(connectFailure: reset + entry, options).sqlState == .invalidAuthorizationSpecification)
    #expect(PostgresError(connectFailure: entry + entry, options).isPermanent)
    #expect(PostgresError(connectFailure: refused + entry, options).isPermanent)
    #expect(PostgresError(connectFailure: refused + password, options).isPermanent)
    #expect(PostgresError(connectFailure: reset + password, options).isPermanent)
  }

  @Test func `a connection for which there is no descriptor says whose limit it was, and what to do`() throws {
    for (end, advice) in [("", "ulimit -n in a shell"), (" in system", "fs.file-max")] {
      let text = "connection to server at \"a\" failed: could not create socket: Too many open files\(end)\n"
      #expect(PostgresError(connectFailure: text, try ConnectOptions("host=a")).hint?.contains(advice) == true)
    }
  }

  @Test func `an alert of TLS tells a certificate that was not sent from one that is refused`() throws {
    func hint(_ alert: String, _ text: String = "host=a") throws -> String {
      let failure = "connection to server at \"a\" failed: SSL error: \(alert)\n"
      return PostgresError(connectFailure: failure, try ConnectOptions(text)).hint ?? ""
    }
    let missing = try hint("tlsv13 alert certificate required")
    #expect(missing.contains("none was sent") && missing.contains("sslcert") && missing.contains("sslkey"))
    #expect(missing.contains("~/.postgresql/postgresql.crt"))
    #expect(try hint("tlsv13 alert certificate required", "host=a sslcert=/c.crt").contains("/c.crt"))
    for alert in ["tlsv1 alert unknown ca", "sslv3 alert certificate expired"] {
      #expect(try hint(alert) == "the server does not take the client's certificate, ~/.postgresql/postgresql.crt")
    }
  }

  @Test func `a failure to connect is permanent where it is at every host`() throws {
    let options = try ConnectOptions("host=a")
    let wrong = PostgresError(connectFailure: "FATAL:  28P01: password authentication failed", options)
    let down = PostgresError(connectFailure: "connection refused", options)
    #expect(wrong.isPermanent && !down.isPermanent)
    #expect(PostgresError(failures: [wrong]).isPermanent)
    #expect(PostgresError(failures: [wrong, wrong]).isPermanent)
    #expect(!PostgresError(failures: [down, wrong]).isPermanent)
    #expect(!PostgresError(failures: [wrong, down]).isPermanent)
  }

  @Test func `several hosts with a port each are understood`() throws {
    let options = try ConnectOptions("postgres://a:1,b:2/app?target_session_attrs=read-write")
    #expect(options["host"] == "a,b" && options["port"] == "1,2")
    #expect(options["target_session_attrs"] == "read-write")
  }

  @Test func `an at sign in a password is refused, and what stands behind it is not taken for the host`() throws {
    let error = #expect(throws: PostgresError.self) { try ConnectOptions("postgres://user:pa@ss-word@host/db") }
    #expect(error.map { "\($0)".contains("ss-word") } == false)
    #expect(try ConnectOptions("postgres://user:pa%40ss-word@host/db").description.contains("host=host"))
  }
}

@Suite struct SourcePositionTests {
  @Test(arguments: [(1, 1, 1), (3, 1, 3), (5, 2, 2), (99, 3, 4)])
  func `a position counts characters, lines and columns from 1`(position: Int, line: Int, column: Int) {
    let place = SourcePosition(position, in: "añ\nde\nfgh")
    #expect(place.line == line)
    if position < 99 { #expect(place.column == column) }
  }

  @Test func `the caret stands under its place, tabs kept`() {
    #expect(SourcePosition(4, in: "\ta b").caret == "\ta b\n\t  ^")
  }
}

@Suite struct NumericDigitsTests {
  @Test(arguments: ["0", "1", "9999", "10000", "-12345.678", "0.1", "0.0001", "0.00001", "100000000", "0.5000"])
  func `plain notation survives`(text: String) {
    #expect(NumericDigits(decimal: text).description == text)
  }
}
