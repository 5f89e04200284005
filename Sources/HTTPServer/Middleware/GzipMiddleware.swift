/// Compresses answers for clients that take gzip, which is what Prometheus asks for at every scrape.
///
/// Compressed are whole bodies (no streams) of types that gain from it: text, JSON, XML, JavaScript, SVG, OpenMetrics,
/// and what has a subtype `+json` or `+xml`. An answer that has a `Content-Encoding` is left alone. All answers of such
/// types vary by `Accept-Encoding`, so that caches keep the two forms apart.
///
/// Compressing happens on the server's loop, at some 100 MB a second with the default level; ``maximumSize`` keeps one
/// answer from holding up the others.
public struct GzipMiddleware: HTTPMiddleware {
  /// Bodies shorter than this are sent as they are, in bytes. Default 1 KiB: it would be one packet anyway.
  public var minimumSize: Int
  /// Bodies longer than this are sent as they are, in bytes. Default 1 MiB.
  public var maximumSize: Int
  /// 1 (fast) to 9 (small). Default 1: on text, the higher levels save a tenth for thrice the time.
  public var level: Int

  /// Compresses as the properties say.
  public init(minimumSize: Int = 1 << 10, maximumSize: Int = 1 << 20, level: Int = 1) {
    self.minimumSize = minimumSize
    self.maximumSize = maximumSize
    self.level = min(max(level, 1), 9)
  }

  /// Handles the request and compresses the answer, errors too.
  public func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
    var response: HTTPResponse
    do {
      response = try await next(request)
    } catch {
      response = HTTPResponse(error: error)
    }
    guard Self.gains(response) else { return response }
    response.headers.vary(by: "Accept-Encoding")
    guard request.headers.accepts(encoding: "gzip"), let body = compressed(response.body) else { return response }
    response.body = .bytes(body)
    response.headers["Content-Encoding"] = "gzip"
    // The bytes differ now; what was a strong validator of the others is a weak one of these.
    if let tag = response.headers["ETag"], !tag.hasPrefix("W/") { response.headers["ETag"] = "W/" + tag }
    return response
  }

  private func compressed(_ body: HTTPResponse.Body) -> [UInt8]? {
    switch body {
    case .empty, .stream:
      return nil
    case .text(var text):
      return text.withUTF8 { compressed(UnsafeRawBufferPointer($0)) }
    case .bytes(let bytes):
      return bytes.withUnsafeBytes(compressed)
    }
  }

  private func compressed(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
    guard (minimumSize...max(minimumSize, maximumSize)).contains(bytes.count) else { return nil }
    return Gzip.compress(bytes, level: level).flatMap { $0.count < bytes.count ? $0 : nil }
  }

  private static func gains(_ response: HTTPResponse) -> Bool {
    guard !response.status.forbidsBody, response.headers["Content-Encoding"] == nil,
      response.headers["Content-Range"] == nil,
      let field = response.headers["Content-Type"]?.utf8
    else { return false }
    let type = Substring(field.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }).lowercased()
    return type.hasPrefix("text/") && type != "text/event-stream" || type.hasSuffix("+json") || type.hasSuffix("+xml")
      || [
        "application/json", "application/xml", "application/javascript", "application/openmetrics-text",
        "application/x-ndjson",
      ].contains(type)
  }
}

extension HTTPHeaders {
  /// Adds a header of requests to those that the answer depends on, in the one line that says so.
  fileprivate mutating func vary(by name: String) {
    let names = values(for: "Vary").joined(separator: ",").split(separator: ",").map { name in
      name.filter { $0 != " " && $0 != "\t" }
    }
    // An asterisk stands for everything.
    guard !names.contains(where: { $0 == "*" || $0.equalsIgnoringASCIICase(name) }) else { return }
    self["Vary"] = (names + [name]).joined(separator: ", ")
  }

  /// Whether `Accept-Encoding` allows an encoding, by name or by `*`, with a quality above zero.
  func accepts(encoding: String) -> Bool {
    var wildcard = false
    for value in values(for: "Accept-Encoding") {
      for item in value.split(separator: ",") {
        let parts = item.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
        guard let name = parts.first else { continue }
        // A weight that is no number counts as none: better long than unreadable.
        let quality =
          parts.dropFirst().first { $0.lowercased().hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
        if name.equalsIgnoringASCIICase(encoding) { return quality > 0 }
        if name == "*" { wildcard = quality > 0 }
      }
    }
    return wildcard
  }
}
