/// The path of a route, taken apart and checked.
struct RouteTemplate: Sendable {
  enum Segment: Sendable, Equatable {
    case literal(String)
    case parameter(String)
    case rest(String)
  }

  /// What is wrong with a path.
  struct Fault: Error {
    let message: String

    init(_ message: String) { self.message = message }
  }

  let segments: [Segment]

  init(_ path: String) throws(Fault) {
    guard path.hasPrefix("/") else { throw Fault("it must begin with a slash") }
    var segments: [Segment] = []
    let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    for (position, part) in parts.enumerated() {
      switch part.first {
      case ":":
        segments.append(.parameter(try Self.name(part)))
      case "*":
        guard position == parts.count - 1 else { throw Fault("“\(part)” must stand last") }
        segments.append(.rest(try Self.name(part)))
      default:
        guard part != ".", part != ".." else { throw Fault("a segment “\(part)” never matches") }
        segments.append(.literal(String(part)))
      }
    }
    self.segments = segments
    let names = parameterNames
    guard Set(names).count == names.count else { throw Fault("a parameter name occurs twice") }
  }

  /// The names of the places, from left to right.
  var parameterNames: [String] {
    segments.compactMap { segment in
      switch segment {
      case .literal: nil
      case .parameter(let name), .rest(let name): name
      }
    }
  }

  /// The path itself, when it has no places and is written as clients send it: then one look-up finds it.
  var literalPath: String? {
    var path = ""
    for segment in segments {
      guard case .literal(let text) = segment, text.utf8.allSatisfy(Self.isUnreserved) else { return nil }
      path += "/" + text
    }
    return path
  }

  private static func name(_ part: Substring) throws(Fault) -> String {
    let name = part.dropFirst()
    guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }) else {
      throw Fault("“\(part)” needs a name made of letters, digits, - and _")
    }
    return String(name)
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
      true
    default:
      false
    }
  }
}
