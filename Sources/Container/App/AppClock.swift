/// Where an app gets the time from, and how it waits. Tests put their own in its place.
public struct AppClock: Sendable {
  /// The time since some fixed moment.
  public var now: @Sendable () -> Duration

  /// Waits until ``now`` has reached a time; throws if the task is cancelled.
  public var sleep: @Sendable (_ until: Duration) async throws -> Void

  /// A clock made of two functions.
  public init(
    now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (_ until: Duration) async throws -> Void
  ) {
    self.now = now
    self.sleep = sleep
  }

  /// The system's clock, which goes on while the machine sleeps.
  public static let continuous: AppClock = {
    let origin = ContinuousClock.now
    // Whoever wants no limit says Int64.max seconds, and the system's clock traps on times that far away.
    let century = Duration.seconds(100 * 365 * 86_400)
    return AppClock(
      now: { ContinuousClock.now - origin },
      sleep: { try await ContinuousClock().sleep(until: origin + min($0, century)) })
  }()
}
