/// Something that is taking its time: which element, doing what, for how long.
public struct Straggler: Sendable, Hashable, CustomStringConvertible {
  /// What an element is busy with.
  public enum Activity: Sendable, Hashable {
    /// Its constructor, or function, runs.
    case building
    /// The start half of a hook runs.
    case starting(hook: String?)
    /// The stop half of a hook runs, or a `Run` is ending.
    case stopping(hook: String?)
    /// It is a scope, whose body has not returned.
    case ending
  }

  /// The element.
  public let origin: Origin

  /// What it is busy with.
  public let activity: Activity

  /// For how long.
  public let elapsed: Duration

  /// How many there are: scopes that were opened at one place are told together.
  public let count: Int

  init(origin: Origin, activity: Activity, elapsed: Duration, count: Int = 1) {
    self.origin = origin
    self.activity = activity
    self.elapsed = elapsed
    self.count = count
  }

  /// One line: ``start hook of `Cache` for 7.0 s  (App/Users.swift:12)``.
  public var description: String {
    let what =
      switch activity {
      case .building: "building"
      case .starting(let hook): "start hook\(hook.map { " \"\($0)\"" } ?? "") of"
      case .stopping(let hook): "stopping\(hook.map { " \"\($0)\" of" } ?? "")"
      case .ending: "waiting for the end of"
      }
    let times = count == 1 ? "" : ", \(count) times"
    return "\(what) `\(origin.name)` for \(elapsed.short)  (\(origin.location)\(times))"
  }
}
