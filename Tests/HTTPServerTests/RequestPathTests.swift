import Testing

@testable import HTTPServer

@Suite struct RequestPathTests {
  @Test(arguments: [
    ("/", [""]), ("/a", ["a"]), ("/a/", ["a", ""]), ("//a", ["", "a"]), ("/a%2Fb/c", ["a/b", "c"]),
    ("/a?b=/../c", ["a"]), ("/%F0%9F%90%9F", ["🐟"]), ("http://host/a", ["a"]), ("https://host?x", [""]),
    ("HTTP://host/a", ["a"]),
    ("/a:b@c!$&'()*+,;=~", ["a:b@c!$&'()*+,;=~"]),
    // A mark that combines with the slash before it makes another character of that, and no other path of this.
    ("/\u{301}a", ["\u{301}a"]), ("/a/\u{301}b?\u{301}c", ["a", "\u{301}b"]),
  ])
  func `targets are cut and decoded`(target: String, segments: [String]) throws {
    #expect(try RequestPath(target: target).segments == segments)
  }

  @Test(arguments: [
    "", "a", "*", "/%", "/%0", "/%0g", "/%00", "/%FF", "/%ED%A0%80", "/..", "/a/%2E%2e/b", "/.", "ftp://h/",
  ])
  func `tricks and mistakes are refused`(target: String) {
    #expect(throws: RequestPath.Fault.self) { try RequestPath(target: target) }
  }
}

@Suite struct HTTPQueryTests {
  @Test func `names and values are decoded, in order, repeated or empty`() {
    let query = HTTPQuery("a=1&b=x+y%21&a=2&c&d=&=e&f=g=h&&")
    #expect(query.map(\.name) == ["a", "b", "a", "c", "d", "", "f"])
    #expect(query.map(\.value) == ["1", "x y!", "2", "", "", "e", "g=h"])
    #expect(query["a"] == "1")
    #expect(query.values(for: "a") == ["1", "2"])
    #expect(query["z"] == nil)
  }

  @Test func `a name keeps the mark that combines with the question mark before it`() {
    #expect(HTTPRequest(.get, "/?\u{301}a=1").query.map(\.name) == ["\u{301}a"])
  }

  @Test func `broken escapes stand for themselves`() {
    #expect(HTTPQuery("a=100%&b=%zz&c=%ff").map(\.value) == ["100%", "%zz", "\u{FFFD}"])
  }
}

@Suite struct HTTPHeadersTests {
  @Test func `names have no case and may repeat`() {
    var headers: HTTPHeaders = ["Content-Type": "a", "X": "1", "x": "2"]
    #expect(headers["content-type"] == "a")
    #expect(headers.values(for: "X") == ["1", "2"])
    headers["x"] = "3"
    #expect(headers.map(\.value) == ["a", "3"])
    headers["x"] = nil
    headers.setDefault("CONTENT-TYPE", "b")
    headers.setDefault("Y", "c")
    #expect(headers.map(\.name) == ["Content-Type", "Y"])
  }

  @Test func `tokens are found in lists`() {
    let headers: HTTPHeaders = ["Accept-Encoding": "br;q=1.0, GZIP ; q=0.5,deflate", "Accept-Encoding": "zstd"]
    #expect(headers.contains("gzip", in: "accept-encoding"))
    #expect(headers.contains("zstd", in: "Accept-Encoding"))
    #expect(!headers.contains("zip", in: "Accept-Encoding"))
  }
}

@Suite struct HTTPServerAddressTests {
  @Test(arguments: ["127.0.0.1:8080", "[::1]:80", "0.0.0.0:0", "unix:/run/a.sock", "localhost:1"])
  func `an address reads what it writes`(text: String) {
    #expect(HTTPServerAddress(text)?.description == text)
  }

  @Test(arguments: ["", "8080", "127.0.0.1", "::1:80", "a:b", "1.2.3.4:70000", "unix:", "1.2.3.4:-1"])
  func `what is no address is refused`(text: String) {
    #expect(HTTPServerAddress(text) == nil)
  }

  @Test func `a port alone is every address`() {
    #expect(HTTPServerAddress(":8080") == .ip(host: "::", port: 8080))
  }
}

@Suite struct HTTPServerConfigurationTests {
  @Test func `all faults are named at once`() {
    var configuration = HTTPServerConfiguration()
    configuration.headerLimit = 10
    configuration.readTimeout = .seconds(5)
    configuration.maxConnections = 0
    let error = #expect(throws: HTTPServerError.self) { try configuration.validate() }
    #expect(
      error?.description
        == "HTTP server: headerLimit must be at least 1024 bytes; readTimeout must be longer than idleTimeout; "
        + "maxConnections must be at least 1")
  }
}

@Suite struct ErrorBodyTests {
  @Test func `error messages are escaped`() {
    let response = HTTPResponse(error: HTTPError(.badRequest, "a \"b\"\n\u{1}"))
    #expect(response.bytes.map { String(decoding: $0, as: UTF8.self) } == #"{"error":"a \"b\"\n\u0001"}"# + "\n")
  }
}
