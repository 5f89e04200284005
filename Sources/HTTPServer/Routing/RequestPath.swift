/// The path of a request target, cut into segments and decoded.
struct RequestPath {
  /// A target that no route may see.
  struct Fault: Error, Equatable {
    let message: String

    init(_ message: String) { self.message = message }
  }

  /// The path without its query, as sent: `/a%20b`.
  let raw: String
  /// The segments between the slashes, decoded: `["a b"]`. The root has one, which is empty.
  let segments: [String]

  /// The path, decoded as a whole.
  var decoded: String { "/" + segments.joined(separator: "/") }

  /// - Throws: ``Fault`` for broken escapes, NULs, text that is not UTF-8, and segments `.` and `..` in any spelling: a
  ///   client resolves those before it asks, so what is left of them is an attack or a mistake.
  init(target: String) throws(Fault) {
    try self.init(raw: Self.rawPath(of: target))
  }

  init(raw: String) throws(Fault) {
    guard raw.utf8.first == UInt8(ascii: "/") else { throw Fault("the path does not begin with a slash") }
    self.raw = raw
    var segments: [String] = []
    // By bytes: the slash and a mark behind it are one character.
    for part in raw[...].utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      let segment = try Self.decode(part)
      guard segment != ".", segment != ".." else { throw Fault("the path has a segment “\(segment)”") }
      segments.append(segment)
    }
    self.segments = segments
  }

  /// The path of a target in origin form (`/a?b`), or in absolute form (`http://host/a?b`) as proxies send it.
  static func rawPath(of target: String) -> String {
    var rest = target[...]
    if rest.utf8.first != UInt8(ascii: "/") {
      for scheme in ["http://", "https://"] where String(rest.prefix(scheme.count)).equalsIgnoringASCIICase(scheme) {
        rest = rest.dropFirst(scheme.count)
        rest = rest.utf8.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }.map { rest[$0...] } ?? ""
        if rest.utf8.first != UInt8(ascii: "/") { rest = "/" + rest }
        break
      }
    }
    guard let mark = rest.utf8.firstIndex(of: UInt8(ascii: "?")) else { return String(rest) }
    return String(rest[..<mark])
  }

  private static func decode(_ part: Substring.UTF8View) throws(Fault) -> String {
    do {
      return try PercentEncoding.decodeSegment(part)
    } catch {
      switch error {
      case .brokenEscape: throw Fault("the path has a broken percent escape")
      case .nul: throw Fault("the path has a NUL")
      case .notUTF8: throw Fault("the path is not UTF-8")
      }
    }
  }
}
