/// A place in the source of an application: where something was declared.
///
/// Elements take it from their call site, so that every error and the graph name the line that a person must look at.
public struct SourceLocation: Sendable, Hashable, CustomStringConvertible {
  /// The module and file, as `#fileID` gives them: `App/UsersModule.swift`.
  public let fileID: String

  /// The line, counted from one.
  public let line: Int

  /// A location.
  public init(fileID: String, line: Int) {
    self.fileID = fileID
    self.line = line
  }

  /// `App/UsersModule.swift:12`.
  public var description: String { "\(fileID):\(line)" }
}

/// A location as the compiler hands it over: no allocation until somebody reads it.
struct Site: Sendable {
  let fileID: StaticString
  let line: UInt

  var location: SourceLocation { SourceLocation(fileID: "\(fileID)", line: Int(line)) }
}
