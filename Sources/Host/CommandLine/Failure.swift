internal import Container

/// What a person at a terminal is told of an error.
enum Failure {
  /// What went wrong first, then where in the app it did, then what else failed on the way down.
  static func message(of error: any Error) -> String {
    guard let error = error as? ContainerError, let cause = error.cause else { return "\(error)" }
    let place = error.origin.map { " (\($0.location))" } ?? ""
    let lines = [message(of: cause), "  \(error.message)\(place)"] + error.related.map { "  also: \(message(of: $0))" }
    return lines.joined(separator: "\n")
  }
}
