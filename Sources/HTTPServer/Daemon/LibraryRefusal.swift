internal import Glibc

// libmicrohttpd refuses some requests by itself, before anybody else sees them. Where its fault lies in the headers (no
// Host, a Content-Length that is no number), version 0.9.75 writes the head of its answer twice, so that the second one
// is taken for the body. Those answers are ours: written to the socket before the library gets to it.

extension Daemon {
  /// The library is about to answer a request with `status`, and does not say which one.
  func libraryRefuses(_ status: HTTPStatus) {
    // Over TLS only the library can write.
    guard configuration.tls == nil else { return }
    // Complete headers, and still not handed to us: no connection is in that state but the one that is being refused.
    let refused = connections.first { $0.exchange?.isInFlight == false && $0.headerSize > 0 }
    refused?.exchange?.refuseInPlaceOfLibrary(status)
  }
}

extension Exchange {
  /// Answers in the library's stead, and leaves it a socket that takes no more.
  func refuseInPlaceOfLibrary(_ status: HTTPStatus) {
    connection.sendWhole(head: Self.head(status, fault(status)))
  }

  private func fault(_ status: HTTPStatus) -> HTTPError {
    let headers = connection.requestHeaders().fields
    do throws(HTTPError) {
      _ = try RequestFraming.contentLength(headers)
    } catch {
      if error.status == status { return error }
    }
    return headers["Host"] == nil ? HTTPError(status, "the header Host is missing") : HTTPError(status)
  }

  private static func reason(_ status: HTTPStatus) -> String {
    switch status {
    case .contentTooLarge: "Content Too Large"
    case .requestHeaderFieldsTooLarge: "Request Header Fields Too Large"
    default: "Bad Request"
    }
  }

  private static func head(_ status: HTTPStatus, _ error: HTTPError) -> [UInt8] {
    let response = HTTPResponse(error: error)
    let body = response.bytes ?? []
    let type = response.headers["Content-Type"] ?? ""
    let head =
      "HTTP/1.1 \(status) \(reason(status))\r\nDate: \(HTTPDate.now())\r\n"
      + "Connection: close\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\n\r\n"
    return Array(head.utf8) + body
  }
}

extension Connection {
  /// Sends bytes past the library, reads what came and nobody will read (a socket that is closed with something left
  /// makes the system take back what was sent), and closes the sending side.
  fileprivate func sendWhole(head bytes: [UInt8]) {
    _ = bytes.withUnsafeBytes {
      send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
    }
    withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 1) { buffer in
      for _ in 0..<64 {
        guard recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)) > 0 else { break }
      }
    }
    shutdown(descriptor, Int32(SHUT_WR))
  }
}

/// The present moment as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  static func now() -> String {
    var seconds = time(nil)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1900) "
      + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
  }
}
