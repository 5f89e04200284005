import FoundationEssentials
import HTTPServer
import Testing

/// Typed values of paths and queries.
@Suite struct TypedValueTests {
  enum Status: String, CaseIterable { case open, paid }
  enum Priority: Int { case low = 1, high = 2 }
  /// Reads texts in its own way, and has raw values beside.
  enum Size: String, LosslessStringConvertible {
    case small = "s"

    init?(_ description: String) {
      guard description == "small" else { return nil }
      self = .small
    }

    var description: String { "small" }
  }

  private static let id = "0E7D4C6A-9C1B-4E0A-8F51-0D0C7A3B5E11"

  private func refusal<Value>(_ read: () throws -> Value) -> HTTPError? {
    #expect(throws: HTTPError.self) { _ = try read() }
  }

  @Test func `a UUID is read in either case`() throws {
    let parameters: HTTPParameters = ["id": Self.id.lowercased()]
    #expect(try parameters["id", as: UUID.self].uuidString == Self.id)
    let query = HTTPQuery("id=\(Self.id)")
    #expect(try query["id", as: UUID.self]?.uuidString == Self.id)
    #expect(try query["other", as: UUID.self] == nil)
  }

  @Test func `what is no UUID is a 400 that names it`() {
    let parameters: HTTPParameters = ["id": "7"]
    let refusals = [
      refusal { try parameters["id", as: UUID.self] }, refusal { try HTTPQuery("id=7")["id", as: UUID.self] },
    ]
    for error in refusals {
      #expect(error?.status == .badRequest)
      #expect(error?.message == "id: “7” is not a valid UUID")
    }
  }

  @Test func `an enumeration is read by its raw values, texts or numbers`() throws {
    let parameters: HTTPParameters = ["status": "paid", "priority": "2"]
    #expect(try parameters["status", as: Status.self] == .paid)
    #expect(try parameters["priority", as: Priority.self] == .high)
    let query = HTTPQuery("status=open&priority=1")
    #expect(try query["status", as: Status.self] == .open)
    #expect(try query["priority", as: Priority.self] == .low)
    #expect(try query["other", as: Status.self] == nil)
    #expect(try query["other", as: Status.self] ?? .paid == .paid)
  }

  @Test func `a misspelt case is a 400 that lists all of them`() {
    let parameters: HTTPParameters = ["status": "payd"]
    let refusals = [
      refusal { try parameters["status", as: Status.self] },
      refusal { try HTTPQuery("status=payd")["status", as: Status.self] },
    ]
    for error in refusals {
      #expect(error?.status == .badRequest)
      #expect(error?.message == "status: “payd” is not a valid Status; it is one of: open, paid")
    }
    #expect(refusal { try HTTPQuery("status=")["status", as: Status.self] }?.status == .badRequest)
  }

  @Test(arguments: ["3", "high", ""])
  func `a number that is no case, and a text that is no number, are a 400`(text: String) {
    let error = refusal { try HTTPQuery("priority=\(text)")["priority", as: Priority.self] }
    #expect(error?.message == "priority: “\(text)” is not a valid Priority")
  }

  @Test func `a type that reads texts by itself does so`() throws {
    let parameters: HTTPParameters = ["size": "small"]
    #expect(try parameters["size", as: Size.self] == .small)
    #expect(refusal { try HTTPQuery("size=s")["size", as: Size.self] }?.status == .badRequest)
  }
}
