internal import Container

/// What a person at a terminal is told of an error.
enum Failure {
  /// What went wrong first, then where in the app it did.
  static func message(of error: any Error) -> String {
    guard let error = error as? ContainerError, let cause = error.cause, error.related.isEmpty else {
      return "\(error)"
    }
    let place = error.origin.map { " (\($0.location))" } ?? ""
    return "\(message(of: cause))\n  \(error.message)\(place)"
  }
}
