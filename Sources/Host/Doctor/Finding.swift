/// What the doctor says of one thing.
struct Finding: Sendable, Hashable, Encodable {
  enum Grade: String, Sendable, Encodable {
    case ok
    /// It works, and should be better.
    case warning
    /// It does not work.
    case failure
  }

  let grade: Grade
  /// What was looked at.
  let subject: String
  /// What was found.
  let text: String
  /// What to do; nil when nothing is to be done.
  var remedy: String?

  static func ok(_ subject: String, _ text: String) -> Finding {
    Finding(grade: .ok, subject: subject, text: text)
  }

  static func warning(_ subject: String, _ text: String, _ remedy: String) -> Finding {
    Finding(grade: .warning, subject: subject, text: text, remedy: remedy)
  }

  static func failure(_ subject: String, _ text: String, _ remedy: String) -> Finding {
    Finding(grade: .failure, subject: subject, text: text, remedy: remedy)
  }
}
