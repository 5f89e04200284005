/// What is wrong with a migration file, and where.
///
/// It prints as compilers do, `path:line:column: error: message`, so that a build that stops here leads to the place.
package struct FileFault: Error, Hashable, Sendable {
  /// The file, as the caller named it.
  package var path: String
  /// The place in the file; nil when the fault is in its name or in the file as a whole.
  package var location: TextLocation?
  /// What is wrong and what to do about it.
  package var message: String

  /// Describes a fault of the file at `path`.
  package init(path: String, location: TextLocation? = nil, message: String) {
    self.path = path
    self.location = location
    self.message = message
  }
}

extension FileFault: CustomStringConvertible {
  package var description: String {
    guard let location else { return "\(path): error: \(message)" }
    return "\(path):\(location.line):\(location.column): error: \(message)"
  }
}
