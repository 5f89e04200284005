internal import Synchronization

/// Asks one check, one question at a time: a check that ignores cancellation is left behind once, not once a second.
final class HealthQuestion: Sendable {
  struct Answer: Sendable {
    let failure: String?
    let duration: Duration
  }

  let check: HealthCheck
  /// When the question was put that has no answer yet.
  private let unanswered = Mutex<ContinuousClock.Instant?>(nil)

  init(_ check: HealthCheck) { self.check = check }

  /// Asks, and waits no longer than the check's time-out; not at all while an earlier question is unanswered.
  func ask() async -> Answer {
    let now = ContinuousClock.now
    let earlier = unanswered.withLock { start -> ContinuousClock.Instant? in
      defer { if start == nil { start = now } }
      return start
    }
    if let earlier {
      return Answer(failure: "no answer for \((now - earlier).words)", duration: now - earlier)
    }
    let failure = await firstOf(check.timeout)
    return Answer(failure: failure, duration: .now - now)
  }

  /// The answer, or the time-out's.
  private func firstOf(_ timeout: Duration) async -> String? {
    let (answers, channel) = AsyncStream.makeStream(of: String?.self, bufferingPolicy: .bufferingOldest(1))
    let asking = Task { [self] in
      let answer = await answer()
      unanswered.withLock { $0 = nil }
      channel.yield(answer)
    }
    let waiting = Task {
      guard (try? await Task.sleep(for: timeout)) != nil else { return }
      channel.yield("no answer within \(timeout.words)")
    }
    defer {
      asking.cancel()
      waiting.cancel()
    }
    for await answer in answers { return answer }
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
