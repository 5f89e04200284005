/// A question whose answer says whether the process can do its work now.
///
/// Modules contribute checks to a group; ``HealthMonitor`` asks them all.
///
/// ```swift
/// Provide { (cache: Cache) in HealthCheck("cache", isCritical: false) { try await cache.ping() } }.grouped()
/// ```
public struct HealthCheck: Sendable {
  /// What is checked, such as `database`. A second check of one name is reported as `name-2`.
  public let name: String
  /// Whether the process is unready while the check fails. Default true; an optional check is reported only.
  public let isCritical: Bool
  /// An answer that takes longer counts as a failure. Default 5 seconds. A report waits for it: whoever asks `/readyz` should
  /// be more patient. An optional check that was late is not waited for again before it has answered in time.
  public let timeout: Duration
  /// How many failures in a row it takes for the check to count as failing once it has succeeded. Default 1.
  public let failureThreshold: Int
  let check: @Sendable () async throws -> Void

  /// - Parameters:
  ///   - name: what is checked.
  ///   - isCritical: whether the process is unready while the check fails.
  ///   - timeout: how long an answer may take. The check is then cancelled; if it does not end, it is not asked again
  ///     before it has.
  ///   - failureThreshold: how many failures in a row count; less than 1 is 1. A check that has never succeeded fails
  ///     from the first: a process does not start on trust.
  ///   - check: throws when something is wrong. The error's description is published: it must hold no secret.
  public init(
    _ name: String, isCritical: Bool = true, timeout: Duration = .seconds(5), failureThreshold: Int = 1,
    _ check: @escaping @Sendable () async throws -> Void
  ) {
    self.name = name
    self.isCritical = isCritical
    self.timeout = timeout
    self.failureThreshold = max(1, failureThreshold)
    self.check = check
  }
}
