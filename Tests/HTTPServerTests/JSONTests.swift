import FoundationEssentials
import HTTPServer
import Testing

/// Values as JSON, and moments in them.
@Suite struct JSONTests {
  struct Event: Codable, Equatable { var at: Date }

  /// 2026-01-31, noon.
  private static let noon = 791_553_600.0

  private func encoded(_ value: some HTTPResponseConvertible) throws -> String {
    String(decoding: try value.httpResponse().bytes ?? [], as: UTF8.self)
  }

  private func written(_ seconds: Double) throws -> String {
    try encoded(JSON([Date(timeIntervalSinceReferenceDate: seconds)]))
  }

  @Test(arguments: [
    (0, "2026-01-31T12:00:00Z"), (0.5, "2026-01-31T12:00:00.500Z"), (0.123, "2026-01-31T12:00:00.123Z"),
    (0.001, "2026-01-31T12:00:00.001Z"), (0.123456, "2026-01-31T12:00:00.123456Z"),
    (0.000001, "2026-01-31T12:00:00.000001Z"), (0.0000001, "2026-01-31T12:00:00Z"),
    (0.9999999, "2026-01-31T12:00:01Z"), (-0.25, "2026-01-31T11:59:59.750Z"),
  ])
  func `a moment keeps its fraction, to the microsecond`(fraction: Double, text: String) throws {
    #expect(try written(Self.noon + fraction) == "[\"\(text)\"]")
  }

  @Test func `moments before the reference date and far from it are written too`() throws {
    #expect(try written(-0.001) == #"["2000-12-31T23:59:59.999Z"]"#)
    #expect(try written(-978_307_200.5) == #"["1969-12-31T23:59:59.500Z"]"#)
    #expect(try written(252_423_993_599.5) == #"["9999-12-31T23:59:59.500Z"]"#)
  }

  @Test func `every microsecond comes back as the text it was`() throws {
    for step in stride(from: 0, to: 1_000_000, by: 7919) {
      let digits = String(1_000_000 + step).dropFirst()
      let text = step % 1000 == 0 ? "\(digits.dropLast(3))" : "\(digits)"
      let json = step == 0 ? #"{"at":"2026-01-31T12:00:00Z"}"# : #"{"at":"2026-01-31T12:00:00.\#(text)Z"}"#
      let event = try HTTPRequest(.post, "/", body: Array(json.utf8)).json(Event.self)
      #expect(try encoded(JSON(event)) == json)
    }
  }

  struct Order: Decodable {
    var quantity: UInt8
    var price: Double?
  }

  @Test(arguments: [
    (#"{"quantity":1.5}"#, 422), (#"{"quantity":300}"#, 422), (#"{"quantity":-1}"#, 422),
    (#"{"quantity":1,"price":1e400}"#, 422), (#"{"quantity":1"#, 400), ("1 2", 400), ("", 400),
  ])
  func `a number that does not fit is 422, for the body is JSON, and what is none is 400`(body: String, status: Int) {
    let error = #expect(throws: HTTPError.self) {
      try HTTPRequest(.post, "/", body: Array(body.utf8)).json(Order.self)
    }
    #expect(error?.status.code == status)
  }

  struct Everything: Decodable {
    struct Part: Decodable { var name: String }

    var text: String?
    var count: UInt16?
    var price: Double?
    var isPaid: Bool?
    var parts: [Part]?
    var labels: [String: String]?
    var amount: Decimal?
    var at: Date?
    var id: UUID?
  }

  @Test(arguments: [
    (#"{"text":1}"#, "text: expected a string"), (#"{"count":"1"}"#, "count: expected a whole number"),
    (#"{"price":"1"}"#, "price: expected a number"), (#"{"isPaid":0}"#, "isPaid: expected true or false"),
    (#"{"parts":{}}"#, "parts: expected an array"), (#"{"parts":[{"name":"a"},7]}"#, "parts[1]: expected an object"),
    (#"{"labels":[]}"#, "labels: expected an object"), (#"{"amount":"1"}"#, "amount: expected a number"),
    (#"{"at":1}"#, "at: expected a string"), (#"{"id":1}"#, "id: expected a string"),
    ("[]", "body: expected an object"),
  ])
  func `what is expected is told in the words of JSON, not of Swift`(body: String, message: String) {
    let error = #expect(throws: HTTPError.self) {
      try HTTPRequest(.post, "/", body: Array(body.utf8)).json(Everything.self)
    }
    #expect(error?.message == message)
  }

  @Test func `a moment with an offset is read`() throws {
    let body = Array(#"{"at":"2026-01-31T14:00:00.250+02:00"}"#.utf8)
    let event = try HTTPRequest(.post, "/", body: body).json(Event.self)
    #expect(event.at == Date(timeIntervalSinceReferenceDate: Self.noon + 0.25))
  }
}
