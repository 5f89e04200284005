internal import Glibc
internal import Synchronization

/// Gives each request an id, for logs on both sides: ``HTTPRequest/id``, the response's `X-Request-ID`, and
/// ``HTTPRequestRecord/id``.
///
/// An id that the client sent in `X-Request-ID` is kept if it is short and harmless: up to 128 letters, digits and `-_.`.
public struct RequestIDMiddleware: HTTPMiddleware {
  private static let field = "X-Request-ID"

  private let makeID: @Sendable () -> String

  /// - Parameter makeID: Makes ids; 128 random bits in hexadecimal if not given.
  public init(makeID: @escaping @Sendable () -> String = RequestIDMiddleware.randomID) { self.makeID = makeID }

  /// Handles the request under its id.
  public func handle(_ request: HTTPRequest, next: @escaping HTTPHandler) async throws -> HTTPResponse {
    let id = request.headers[Self.field].flatMap(Self.harmless) ?? makeID()
    var request = request
    request.id = id
    var response: HTTPResponse
    do {
      response = try await next(request)
    } catch {
      response = HTTPResponse(error: error)
    }
    response.headers[Self.field] = id
    return response
  }

  /// 128 random bits in hexadecimal, the form that trace ids have too.
  public static func randomID() -> String {
    let (high, low) = reserve.withLock { $0.draw() }
    return String(unsafeUninitializedCapacity: 32) { text in
      for (word, offset) in [(high, 0), (low, 16)] {
        for digit in 0..<16 {
          let value = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * digit)) & 15
          text[offset + digit] = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
        }
      }
      return 32
    }
  }

  private static let reserve = Mutex(RandomReserve())

  private static func harmless(_ id: String) -> String? {
    let isHarmless =
      (1...128).contains(id.utf8.count)
      && id.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
          true
        default:
          false
        }
      }
    return isHarmless ? id : nil
  }
}

/// The kernel's random numbers, sixteen ids at a time: one call of the kernel is as dear as the rest of a request's id.
private struct RandomReserve {
  private var words: [UInt64] = []

  mutating func draw() -> (UInt64, UInt64) {
    if words.count < 2 { refill() }
    return (words.removeLast(), words.removeLast())
  }

  private mutating func refill() {
    // As many bytes as one call gives.
    words = [UInt64](repeating: 0, count: 32)
    guard words.withUnsafeMutableBytes({ getentropy($0.baseAddress, $0.count) }) != 0 else { return }
    var generator = SystemRandomNumberGenerator()
    for index in words.indices { words[index] = generator.next() }
  }
}
