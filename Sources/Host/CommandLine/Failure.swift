internal import Container

/// What a person at a terminal is told of an error.
enum Failure {
  /// The error's own words. What a constructor or hook threw comes first; how the app came to call it after.
  static func message(of error: any Error) -> String {
    "\(error)"
  }
}
