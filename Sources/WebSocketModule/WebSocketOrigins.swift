/// From which pages browsers may connect. A page of any site can open a WebSocket to any other and sends its visitor's
/// cookies along, so that the server has to look at `Origin`.
public enum WebSocketOrigins: Sendable, Hashable {
  /// Pages of the same host and port, by the request's `Host`. Behind a proxy, `Host` must be the one of the browser.
  case sameHost
  /// Pages of these origins, written as browsers do: `https://app.example.com`.
  case only(Set<String>)
  /// Any page. Right where nothing depends on cookies.
  case any

  /// Whether a request may go on. Clients that are not browsers send no origin, and no visitor's cookies either.
  func allow(origin: String?, host: String?) -> Bool {
    guard let origin else { return true }
    switch self {
    case .any:
      return true
    case .only(let origins):
      return origins.contains(origin.lowercased())
    case .sameHost:
      guard let host, let start = origin.firstRange(of: "://") else { return false }
      let (scheme, place) = (origin[..<start.lowerBound].lowercased(), origin[start.upperBound...].lowercased())
      return place == host.lowercased()
        || Self.withoutDefaultPort(place, scheme) == Self.withoutDefaultPort(host.lowercased(), scheme)
    }
  }

  private static func withoutDefaultPort(_ place: String, _ scheme: String) -> String {
    let port = scheme == "https" ? ":443" : ":80"
    return place.hasSuffix(port) ? String(place.dropLast(port.count)) : place
  }
}
