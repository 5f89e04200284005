import Health
import Synchronization
import Testing

@Suite struct HealthTests {
  struct Trouble: Error, CustomStringConvertible { let description = "disk \"a\"\nis full" }

  private func ready(_ checks: [HealthCheck], maxAge: Duration = .zero) async -> HealthMonitor {
    let monitor = HealthMonitor(checks, maxAge: maxAge)
    await monitor.becomeReady()
    return monitor
  }

  @Test func `all checks sound is ready`() async {
    let report = await ready([HealthCheck("a") {}, HealthCheck("b") {}]).report()
    #expect(report.isReady)
    #expect(report.entries.map(\.name) == ["a", "b"])
    #expect(report.json.hasPrefix(#"{"checks":{"a":{"critical":true,"duration_ms":"#))
    #expect(report.json.hasSuffix(#""status":"ok"}},"status":"ready"}"#))
  }

  @Test func `a failing critical check is unready, its error is escaped JSON`() async {
    let report = await ready([HealthCheck("disk") { throw Trouble() }]).report()
    #expect(!report.isReady)
    #expect(report.json.contains(#""error":"disk \"a\"\nis full""#))
  }

  @Test func `a failing optional check is reported and does not matter`() async {
    let report = await ready([HealthCheck("cache", isCritical: false) { throw Trouble() }]).report()
    #expect(report.isReady)
    #expect(report.entries[0].failure != nil)
  }

  @Test func `a check that never answers and ignores cancellation fails by its time-out`() async {
    let report = await ready([
      HealthCheck("stuck", timeout: .milliseconds(5)) { await withCheckedContinuation { Forgotten.shared.keep($0) } }
    ]).report()
    #expect(report.entries[0].failure?.contains("no answer within") == true)
    Forgotten.shared.resumeAll()
  }

  @Test func `a process that starts or stops is unready though its checks are sound`() async {
    let monitor = HealthMonitor([HealthCheck("a") {}], maxAge: .zero)
    #expect(await monitor.report().json.contains(#""reason":"starting""#))
    await monitor.becomeReady()
    #expect(await monitor.report().isReady)
    await monitor.becomeUnready("stopping")
    #expect(await monitor.report().isReady == false)
  }

  @Test func `answers are shared while they are fresh`() async {
    let asked = Mutex(0)
    let monitor = await ready([HealthCheck("a") { asked.withLock { $0 += 1 } }], maxAge: .seconds(3600))
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<50 { group.addTask { _ = await monitor.report() } }
    }
    #expect(asked.withLock { $0 } == 1)
  }
}

/// Continuations that a test leaves waiting, to be resumed at its end.
private final class Forgotten: Sendable {
  static let shared = Forgotten()
  private let continuations = Mutex<[CheckedContinuation<Void, Never>]>([])
  func keep(_ continuation: CheckedContinuation<Void, Never>) { continuations.withLock { $0.append(continuation) } }
  func resumeAll() {
    for continuation in continuations.withLock({ $0 }) { continuation.resume() }
  }
}
