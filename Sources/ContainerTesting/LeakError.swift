public import Container

/// Something outlived its app.
public struct LeakError: Error, Sendable, CustomStringConvertible {
  /// Objects that the app built and that are still alive.
  public let objects: [Origin]

  /// Elements whose constructors, hooks or background tasks still run.
  public let tasks: [Origin]

  /// Scopes whose body has not returned.
  public let openScopes: Int

  /// One line for each.
  public var description: String {
    var lines = ["the app left something behind"]
    lines += tasks.map { "  still running: \($0)" }
    if openScopes > 0 { lines.append("  \(openScopes) scopes are still open") }
    lines += objects.map { "  still alive: \($0)" }
    if !objects.isEmpty { lines.append("  it may be kept by a cycle of references, by a task, or by the test itself") }
    return lines.joined(separator: "\n")
  }
}
