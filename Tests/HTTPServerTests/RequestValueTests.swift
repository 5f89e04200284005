import EventLoop
import HTTPServer
import Testing

/// Values that middleware hands to handlers.
@Suite struct RequestValueTests {
  enum UserKey: HTTPRequestKey { typealias Value = String }
  enum TenantKey: HTTPRequestKey { typealias Value = String }
  enum NoteKey: HTTPRequestKey { typealias Value = Int? }

  struct BearerAuth: HTTPMiddleware {
    func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
      guard let token = request.headers["Authorization"], token.hasPrefix("Bearer ") else {
        throw HTTPError(.unauthorized, headers: ["WWW-Authenticate": "Bearer"])
      }
      var request = request
      request[UserKey.self] = String(token.dropFirst("Bearer ".count))
      return try await next(request)
    }
  }

  @Test func `a value is under its key, and under no other of the same type`() {
    var request = HTTPRequest()
    #expect(request[UserKey.self] == nil)
    request[UserKey.self] = "ann"
    #expect(request[UserKey.self] == "ann")
    #expect(request[TenantKey.self] == nil)
    request[UserKey.self] = "bob"
    #expect(request[UserKey.self] == "bob")
    request[UserKey.self] = nil
    #expect(request[UserKey.self] == nil)
  }

  @Test func `an optional that is nil is a value too`() {
    var request = HTTPRequest()
    #expect(request[NoteKey.self] == nil)
    request[NoteKey.self] = .some(nil)
    #expect(request[NoteKey.self] == .some(nil))
  }

  @Test func `what a copy is given the original does not have`() {
    let original = HTTPRequest()
    var copy = original
    copy[UserKey.self] = "ann"
    #expect(original[UserKey.self] == nil)
  }

  @Test func `a handler has what the middleware found out`() async throws {
    let loop = try EventLoop()
    let server = try HTTPServer(
      routes: [Route(.get, "/me") { request in request[UserKey.self] ?? "nobody" }], middleware: [BearerAuth()],
      loop: loop)
    let known = await server.respond(to: HTTPRequest(.get, "/me", headers: ["Authorization": "Bearer ann"]))
    #expect(known.bytes == Array("ann".utf8))
    #expect(await server.respond(to: HTTPRequest(.get, "/me")).status == .unauthorized)
    await loop.stop()
  }
}
