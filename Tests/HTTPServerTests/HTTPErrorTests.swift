import EventLoop
import FoundationEssentials
import HTTPServer
import Testing

/// What clients get of errors, beside the message and in its place.
@Suite struct HTTPErrorTests {
  struct Problem: Codable, Sendable, Equatable {
    var type: String
    var title: String
  }

  struct Unspeakable: Encodable, Sendable {
    func encode(to encoder: any Encoder) throws {
      throw EncodingError.invalidValue(self, .init(codingPath: [], debugDescription: "no words for it"))
    }
  }

  struct Invalid: HTTPErrorConvertible {
    var fields: [String: String]

    var httpError: HTTPError { HTTPError(.unprocessableContent, "check the form", details: fields) }
  }

  private func text(_ error: any Error) -> String? { HTTPResponse(error: error).text }

  @Test func `an error has its message as JSON`() {
    let response = HTTPResponse(error: HTTPError(.notFound, "no item 7"))
    #expect(response.text == #"{"error":"no item 7"}"# + "\n")
    #expect(response.headers["Content-Type"] == "application/json; charset=utf-8")
    #expect(response.failure == nil)
  }

  @Test func `details stand beside the message`() {
    let error = HTTPError(
      .unprocessableContent, "check the form", details: ["email": "is taken", "age": "is negative"])
    #expect(text(error) == #"{"details":{"age":"is negative","email":"is taken"},"error":"check the form"}"# + "\n")
    #expect(HTTPResponse(error: error).status == .unprocessableContent)
    #expect(text(HTTPError(.conflict, "no", details: 7)) == #"{"details":7,"error":"no"}"# + "\n")
    let moment = Date(timeIntervalSinceReferenceDate: 0.5)
    #expect(text(HTTPError(.conflict, "no", details: moment))?.contains(#""2001-01-01T00:00:00.500Z""#) == true)
  }

  @Test func `an error of the application brings details too`() {
    #expect(
      text(Invalid(fields: ["name": "is missing"]))
        == #"{"details":{"name":"is missing"},"error":"check the form"}"# + "\n")
  }

  @Test func `an error that is no affair of the client's has its status, and the observer hears of it`() {
    struct Overloaded: HTTPErrorConvertible {
      var httpError: HTTPError { HTTPError(.serviceUnavailable) }
      var isHandlerFailure: Bool { true }
    }
    let response = HTTPResponse(error: Overloaded())
    #expect(response.status == .serviceUnavailable && response.failure is Overloaded)
  }

  @Test func `a body stands in place of the message, of a type of its own`() throws {
    let problem = Problem(type: "/problems/sold-out", title: "Sold out")
    let error = HTTPError(
      .conflict, "for the log", headers: ["Content-Type": "application/problem+json"], details: 1, body: problem)
    let response = HTTPResponse(error: error)
    #expect(try response.json(Problem.self) == problem)
    #expect(response.headers.values(for: "Content-Type") == ["application/problem+json"])
    #expect(response.text?.contains("for the log") == false)
  }

  @Test func `details that cannot be encoded are left out, and the observer hears why`() async throws {
    let observer = RecordingObserver()
    let loop = try EventLoop()
    let server = try HTTPServer(
      routes: [
        Route(.get, "/") { _ -> String in throw HTTPError(.conflict, "sold out", details: Unspeakable()) }
      ], loop: loop, observer: observer)
    let response = await server.respond(to: HTTPRequest(.get, "/"))
    await loop.stop()
    #expect(response.status == .conflict)
    #expect(response.text == #"{"error":"sold out"}"# + "\n")
    #expect(response.failure is EncodingError)
    #expect(observer.seen.failures.count == 1)
  }
}
