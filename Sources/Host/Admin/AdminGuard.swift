internal import Glibc
internal import HTTPServer

/// Who may see the dashboard and `/debug`: whoever reaches the admin listener; where there is none, this machine on the main
/// listener; and nobody's browser on behalf of another site.
struct AdminGuard: Sendable {
  /// Whether this is the admin listener, which is only reachable for whom it is meant, be it through a proxy.
  let isAdminListener: Bool
  /// Whether only this machine can reach the listener.
  let isLocal: Bool

  /// A route that answers nobody else. A level or a form fits, whatever `host.body_limit` leaves to the app's routes.
  func route(
    _ method: HTTPMethod, _ path: String, _ handler: @escaping HTTPHandler
  ) -> Route {
    Route(method, path, bodyLimit: 4096) { request in
      guard admits(request) else { throw HTTPError(.notFound) }
      var response = try await handler(request)
      response.headers["Cache-Control"] = "no-store"
      return response
    }
  }

  func admits(_ request: HTTPRequest) -> Bool {
    if !isAdminListener {
      // A proxy on this machine speaks for the world.
      for header in ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"] {
        if request.headers[header] != nil { return false }
      }
    }
    // A site can point its own name at 127.0.0.1; it cannot make a browser send another name than that.
    if isLocal, request.remoteAddress != "unix", let host = request.headers["host"], !Self.isOwnName(host) {
      return false
    }
    guard request.method != .get, request.method != .head else { return true }
    // Changes: not from a page of somebody else's.
    if let site = request.headers["sec-fetch-site"], !["same-origin", "none"].contains(site) { return false }
    guard let origin = request.headers["origin"] else { return true }
    // A page in a sandbox has the origin `null`.
    guard let mark = origin.firstRange(of: "://") else { return false }
    return String(origin[mark.upperBound...]) == request.headers["host"]
  }

  /// `localhost`, a name below it, or an address.
  private static func isOwnName(_ host: String) -> Bool {
    var name = host[...]
    if name.hasPrefix("[") {
      guard let end = name.firstIndex(of: "]") else { return false }
      name = name[..<end].dropFirst()
      return isAddress(String(name), AF_INET6)
    }
    name = name.prefix { $0 != ":" }
    let text = name.lowercased()
    return text == "localhost" || text.hasSuffix(".localhost") || isAddress(text, AF_INET)
  }

  private static func isAddress(_ text: String, _ family: Int32) -> Bool {
    var storage = in6_addr()
    return inet_pton(family, text, &storage) == 1
  }
}
