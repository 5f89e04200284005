/// Refuses requests that two servers in a row could take for different ones: where a body ends must be beyond doubt.
enum RequestFraming {
  /// The length that the headers announce; 0 if they announce none, or chunks.
  ///
  /// - Parameter isOld: The request is of HTTP/1.0, which knows no chunks.
  /// - Throws: 400 for names that are no tokens, values with a carriage return, two hosts, two lengths, a length beside
  ///   chunks; 501 for a transfer encoding other than chunked.
  static func contentLength(_ headers: HTTPHeaders, isOld: Bool = false) throws(HTTPError) -> Int {
    var length: String?
    var isChunked = false
    var hasHost = false
    for field in headers {
      guard isToken(field.name) else { throw HTTPError(.badRequest, "a header name is not a token") }
      guard !field.value.containsByte(where: { $0 == 0x0D }) else {
        throw HTTPError(.badRequest, "a header value has a carriage return")
      }
      switch field.name.utf8.count {
      case 4 where field.name.equalsIgnoringASCIICase("Host"):
        guard !hasHost else { throw HTTPError(.badRequest, "Host is given twice") }
        hasHost = true
      case 14 where field.name.equalsIgnoringASCIICase("Content-Length"):
        guard length == nil || length == field.value else {
          throw HTTPError(.badRequest, "Content-Length is given twice")
        }
        length = field.value
      case 17 where field.name.equalsIgnoringASCIICase("Transfer-Encoding"):
        guard !isChunked, field.value.equalsIgnoringASCIICase("chunked") else {
          throw HTTPError(.notImplemented, "the only transfer encoding here is chunked")
        }
        guard !isOld else { throw HTTPError(.badRequest, "HTTP/1.0 has no Transfer-Encoding") }
        isChunked = true
      default:
        break
      }
    }
    guard let length else { return 0 }
    guard !isChunked else {
      throw HTTPError(.badRequest, "Content-Length and Transfer-Encoding exclude each other")
    }
    guard length.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(length) else {
      throw HTTPError(.badRequest, "Content-Length is not a number")
    }
    return value
  }

  /// Letters, digits and ``!#$%&'*+-.^_`|~``: what RFC 9110 allows in names.
  static func isToken(_ name: String) -> Bool {
    !name.isEmpty
      && !name.containsByte { byte in
        byte >= 128 || (byte < 64 ? tokenBytes.low : tokenBytes.high) >> UInt64(byte & 63) & 1 == 0
      }
  }

  /// A bit for each byte below 128.
  private static let tokenBytes: (low: UInt64, high: UInt64) = {
    var bits: (low: UInt64, high: UInt64) = (0, 0)
    let marks = "!#$%&'*+-.^_`|~"
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    for byte in (marks + letters).utf8 {
      if byte < 64 { bits.low |= 1 << UInt64(byte) } else { bits.high |= 1 << UInt64(byte & 63) }
    }
    return bits
  }()
}
