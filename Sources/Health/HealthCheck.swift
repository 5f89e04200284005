/// A question whose answer says whether the process can do its work now.
///
/// Modules contribute checks to a group; ``HealthMonitor`` asks them all.
public struct HealthCheck: Sendable {
  /// What is checked, such as `database`.
  public let name: String
  /// Whether the process is unready while the check fails. Default true; an optional check is reported only.
  public let isCritical: Bool
  /// An answer that takes longer counts as a failure. Default 5 seconds.
  public let timeout: Duration
  let check: @Sendable () async throws -> Void

  /// - Parameters:
  ///   - name: what is checked.
  ///   - isCritical: whether the process is unready while the check fails.
  ///   - timeout: how long an answer may take.
  ///   - check: throws when something is wrong. The error's description is published: it must hold no secret.
  public init(
    _ name: String, isCritical: Bool = true, timeout: Duration = .seconds(5),
    _ check: @escaping @Sendable () async throws -> Void
  ) {
    self.name = name
    self.isCritical = isCritical
    self.timeout = timeout
    self.check = check
  }

  /// Asks, and waits no longer than the time-out.
  func run() async -> HealthReport.Entry {
    let start = ContinuousClock.now
    let failure = await Self.firstOf(timeout) { [check] in
      do {
        try await check()
        return nil
      } catch {
        return "\(error)"
      }
    }
    return HealthReport.Entry(
      name: name, isCritical: isCritical, failure: failure, duration: ContinuousClock.now - start)
  }

  /// The answer, or the time-out's. An answer that ignores cancellation is left behind, not waited for.
  private static func firstOf(
    _ timeout: Duration, _ answer: @escaping @Sendable () async -> String?
  ) async -> String? {
    let (answers, channel) = AsyncStream.makeStream(of: String?.self, bufferingPolicy: .bufferingOldest(1))
    let asking = Task { channel.yield(await answer()) }
    let waiting = Task {
      guard (try? await Task.sleep(for: timeout)) != nil else { return }
      channel.yield("no answer within \(timeout)")
    }
    defer {
      asking.cancel()
      waiting.cancel()
    }
    for await answer in answers { return answer }
    return "cancelled"
  }
}
