internal import Synchronization

/// Asks one check, one question at a time: a check that ignores cancellation is left behind once, not once a second.
final class HealthQuestion: Sendable {
  struct Answer: Sendable {
    let failure: String?
    let duration: Duration
  }

  private struct State {
    /// When the question was put that has no answer yet.
    var unanswered: ContinuousClock.Instant?
    /// Whether the last answer was not there in time.
    var wasLate = false
  }

  let check: HealthCheck
  private let state = Mutex(State())

  init(_ check: HealthCheck) { self.check = check }

  /// Asks, and waits no longer than the check's time-out; not at all while an earlier question is unanswered, or for an
  /// optional check that was late the last time: the answer to that one is for the next report.
  func ask() async -> Answer {
    let now = ContinuousClock.now
    let before = state.withLock { state in
      defer { if state.unanswered == nil { state.unanswered = now } }
      return state
    }
    if let earlier = before.unanswered {
      return Answer(failure: "no answer for \((now - earlier).words)", duration: now - earlier)
    }
    if before.wasLate, !check.isCritical {
      Task { await firstOf(check.timeout) }
      return Answer(failure: "no answer within \(check.timeout.words) the last time", duration: .zero)
    }
    let failure = await firstOf(check.timeout)
    return Answer(failure: failure, duration: .now - now)
  }

  /// The answer, or the time-out's.
  @discardableResult
  private func firstOf(_ timeout: Duration) async -> String? {
    let (answers, channel) = AsyncStream.makeStream(
      of: (failure: String?, isLate: Bool).self, bufferingPolicy: .bufferingOldest(1))
    let asking = Task { [self] in
      let answer = await answer()
      state.withLock { $0.unanswered = nil }
      channel.yield((answer, false))
    }
    let waiting = Task {
      guard (try? await Task.sleep(for: timeout)) != nil else { return }
      channel.yield(("no answer within \(timeout.words)", true))
    }
    defer {
      asking.cancel()
      waiting.cancel()
    }
    for await answer in answers {
      state.withLock { $0.wasLate = answer.isLate }
      return answer.failure
    }
    return "cancelled"
  }

  private func answer() async -> String? {
    do {
      try await check.check()
      return nil
    } catch {
      return "\(error)"
    }
  }
}

extension Duration {
  /// For people: `350 ms`, `2 s`, `2.5 s`.
  var words: String {
    let milliseconds = Int((self / .milliseconds(1)).rounded())
    if milliseconds < 1000 { return "\(milliseconds) ms" }
    let tenths = (milliseconds + 50) / 100
    return tenths % 10 == 0 || tenths >= 600 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
  }
}
