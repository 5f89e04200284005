public import FoundationEssentials

// What a client does with an answer, for tests that have none.

extension HTTPResponse {
  /// The whole body: of a stream, what its closure writes until it returns.
  ///
  /// ```swift
  /// let answer = await server.respond(to: HTTPRequest(.get, "/events"))
  /// let begin = try await answer.collect { bytes in bytes.count(where: { $0 == UInt8(ascii: "\n") }) >= 2 }
  /// ```
  ///
  /// - Parameter isEnough: Whether the bytes so far will do, asked whenever there are more. The closure of the stream is
  ///   then cancelled and waited for: a stream of events has no end of its own.
  /// - Throws: What the closure of the stream throws.
  public func collect(until isEnough: ([UInt8]) -> Bool = { _ in false }) async throws -> [UInt8] {
    guard case .stream(let produce) = body else { return bytes ?? [] }
    let (readable, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let writer = HTTPBodyWriter { signal.yield() }
    let producer = Task {
      do {
        try await produce(writer)
      } catch is CancellationError where writer.isStopping {
      } catch {
        writer.finish(failed: true)
        throw error
      }
      writer.finish(failed: false)
    }
    return try await withTaskCancellationHandler {
      let collected = await Self.read(writer, readable, until: isEnough)
      writer.stop()
      producer.cancel()
      writer.close()
      try await producer.value
      try Task.checkCancellation()
      return collected
    } onCancel: {
      producer.cancel()
    }
  }

  private static func read(
    _ writer: HTTPBodyWriter, _ readable: AsyncStream<Void>, until isEnough: ([UInt8]) -> Bool
  ) async -> [UInt8] {
    var collected: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    var signals = readable.makeAsyncIterator()
    while true {
      switch buffer.withUnsafeMutableBytes({ writer.read(into: $0) }) {
      case .bytes(let count):
        collected += buffer.prefix(count)
        if isEnough(collected) { return collected }
      case .wait:
        guard await signals.next() != nil else { return collected }
      case .end, .failure:
        return collected
      }
    }
  }

  /// The body as text; nil for a stream, and for bytes that are not UTF-8.
  public var text: String? { bytes.flatMap { String(validating: $0, as: UTF8.self) } }

  /// The body, decoded from JSON as ``HTTPRequest/json(_:decoder:)`` does it.
  ///
  /// - Throws: ``HTTPServerError`` with the code `unreadableResponse` that shows status and body, when it is no such value.
  public func json<Value: Decodable>(_ type: Value.Type = Value.self, decoder: JSONDecoder? = nil) throws -> Value {
    do {
      return try (decoder ?? JSONCoding.decoder()).decode(type, from: Data(bytes ?? []))
    } catch {
      let body = bytes == nil ? "a stream; collect() it" : text ?? "not UTF-8"
      throw HTTPServerError(.unreadableResponse, "the answer \(status) is not a \(type): \(body) (\(error))")
    }
  }
}

extension HTTPResponse: CustomStringConvertible {
  /// Status and body, and what is behind a 500: what a failed test should show. Header fields are not in it.
  public var description: String {
    let cause = failure.map { " (\($0))" } ?? ""
    guard let bytes else { return "\(status)\(cause), a stream" }
    guard !bytes.isEmpty else { return "\(status)\(cause)" }
    guard var shown = text else { return "\(status)\(cause), \(bytes.count) bytes" }
    if shown.hasSuffix("\n") { shown.removeLast() }
    return "\(status)\(cause), \(bytes.count) bytes: \(shown.prefix(1000))\(shown.count > 1000 ? " …" : "")"
  }
}

extension HTTPRequest {
  /// A request with a value as JSON, for tests of handlers: `HTTPRequest(.post, "/users", json: newUser)`.
  ///
  /// - Throws: What the value throws when it is encoded.
  public init(
    _ method: HTTPMethod = .post, _ target: String = "/", headers: HTTPHeaders = [:], json value: some Encodable,
    parameters: HTTPParameters = [:]
  ) throws {
    var headers = headers
    headers.setDefault("Content-Type", "application/json")
    self.init(method, target, headers: headers, body: try JSONCoding.encode(value), parameters: parameters)
  }
}
