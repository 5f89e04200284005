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
    let forgotten = Forgotten()
    let report = await ready([
      HealthCheck("stuck", timeout: .milliseconds(5)) { await withCheckedContinuation { forgotten.keep($0) } }
    ]).report()
    #expect(report.entries[0].failure?.contains("no answer within") == true)
    forgotten.resumeAll()
  }

  @Test(.timeLimit(.minutes(1)))
  func `who watches is not held up by a slow check when cancelled, and nothing is told of that`() async throws {
    let (asked, ask) = AsyncStream.makeStream(of: Void.self)
    let monitor = HealthMonitor(
      [
        HealthCheck("slow", timeout: .seconds(3600)) {
          ask.yield()
          try await Task.sleep(for: .seconds(3600))
        }
      ], maxAge: .zero, onChange: { Issue.record("told of \($0)") })
    await monitor.becomeReady()
    let watching = Task { try await monitor.watch(every: .milliseconds(1)) }
    for await _ in asked { break }
    watching.cancel()
    await #expect(throws: CancellationError.self) { try await watching.value }
    #expect(await monitor.report().isReady)
  }

  @Test func `once who watches was cancelled, no check is asked any more`() async throws {
    let asked = Mutex(0)
    let monitor = await ready([HealthCheck("a") { asked.withLock { $0 += 1 } }])
    let watching = Task { try await monitor.watch(every: .seconds(3600)) }
    watching.cancel()
    await #expect(throws: CancellationError.self) { try await watching.value }
    // The word of it goes its own way.
    var before: Int
    repeat {
      before = asked.withLock { $0 }
      #expect(await monitor.report().isReady)
    } while asked.withLock { $0 } > before
    #expect(await monitor.report().isReady && asked.withLock { $0 } == before)
  }

  @Test func `a check that ignores cancellation is asked once, and again when it has answered`() async throws {
    let forgotten = Forgotten()
    let asked = Mutex(0)
    let monitor = await ready([
      HealthCheck("stuck", timeout: .milliseconds(5)) {
        asked.withLock { $0 += 1 }
        await withCheckedContinuation { forgotten.keep($0) }
      }
    ])
    for _ in 0..<20 { _ = await monitor.report() }
    #expect(asked.withLock { $0 } == 1)
    #expect(await monitor.report().entries[0].failure?.hasPrefix("no answer for ") == true)
    forgotten.resumeAll()
    while asked.withLock({ $0 }) == 1 { _ = await monitor.report() }
    forgotten.resumeAll()
  }

  @Test func `an optional check that was late is not waited for again, and is sound once it has answered in time`()
    async throws
  {
    let isStuck = Mutex(true)
    let stuck: @Sendable () async throws -> Void = {
      if isStuck.withLock({ $0 }) { try await Task.sleep(for: .seconds(3600)) }
    }
    // The check obeys its cancellation, so that it is asked again after each time-out.
    let monitor = await ready([HealthCheck("cache", isCritical: false, timeout: .milliseconds(5), stuck)])
    func until(_ condition: (HealthReport.Entry) -> Bool) async throws {
      let deadline = ContinuousClock.now + .seconds(60)
      while true {
        let entry = await monitor.report().entries[0]
        if condition(entry) { return }
        try #require(ContinuousClock.now < deadline, "\(entry)")
        await Task.yield()
      }
    }
    #expect(await monitor.report().entries[0].failure == "no answer within 5 ms")
    try await until { $0.failure == "no answer within 5 ms the last time" && $0.duration == .zero }
    isStuck.withLock { $0 = false }
    try await until { $0.failure == nil }
  }

  @Test func `a check added during a round is in every report from then on, and no other is asked twice at once`()
    async throws
  {
    let forgotten = Forgotten()
    let asked = Mutex(0)
    let monitor = await ready([
      HealthCheck("slow") {
        // The first round alone waits.
        let count = asked.withLock { asked in
          asked += 1
          return asked
        }
        guard count == 1 else { return }
        await withCheckedContinuation { forgotten.keep($0) }
      }
    ])
    async let early = monitor.report()
    while asked.withLock({ $0 }) == 0 { await Task.yield() }
    await monitor.add([HealthCheck("late") {}])
    async let later = monitor.report()
    for _ in 0..<100 { await Task.yield() }
    #expect(asked.withLock { $0 } == 1)
    forgotten.resumeAll()
    let (first, second) = await (early, later)
    for report in [first, second] { #expect(report.entries.map(\.name) == ["slow", "late"]) }
  }

  @Test func `failures below the threshold are suspect and ready, at the threshold failing, once sound forgotten`()
    async
  {
    let isSound = Mutex(true)
    let monitor = await ready([
      HealthCheck("flaky", failureThreshold: 3) { if !isSound.withLock({ $0 }) { throw Trouble() } }
    ])
    #expect(await monitor.report().entries[0].status == "ok")
    isSound.withLock { $0 = false }
    for count in 1...2 {
      let report = await monitor.report()
      #expect(report.isReady && report.entries[0].status == "suspect" && report.entries[0].failures == count)
    }
    let third = await monitor.report()
    #expect(!third.isReady && third.entries[0].status == "failing")
    #expect(third.json.contains(#""failure_threshold":3,"failures":3,"status":"failing""#))
    isSound.withLock { $0 = true }
    #expect(await monitor.report().isReady)
    isSound.withLock { $0 = false }
    #expect(await monitor.report().isReady)
  }

  @Test func `a check that has never succeeded fails from the first answer`() async {
    let monitor = await ready([HealthCheck("new", failureThreshold: 3) { throw Trouble() }])
    #expect(await monitor.report().isReady == false)
  }

  @Test func `checks are asked at the same time`() async {
    let both = Mutex<(count: Int, waiting: CheckedContinuation<Void, Never>?)>((0, nil))
    let meet: @Sendable () async -> Void = {
      await withCheckedContinuation { continuation in
        let ready = both.withLock { state -> [CheckedContinuation<Void, Never>] in
          guard let other = state.waiting else {
            state.waiting = continuation
            return []
          }
          return [other, continuation]
        }
        for one in ready { one.resume() }
      }
    }
    let report = await ready([
      HealthCheck("a", timeout: .seconds(30), meet), HealthCheck("b", timeout: .seconds(30), meet),
    ]).report()
    #expect(report.isReady)
  }

  @Test func `two checks of one name are both in the report`() async {
    let report = await ready([HealthCheck("a") {}, HealthCheck("a") { throw Trouble() }]).report()
    #expect(report.entries.map(\.name) == ["a", "a-2"])
    #expect(report.json.contains(#""a-2":{"critical":true"#))
  }

  @Test func `a name that one check has is given to no other that shares its own with a third`() async {
    let checks = ["a", "a", "a-2", "a"].map { HealthCheck($0) {} }
    #expect(await ready(checks).report().entries.map(\.name) == ["a", "a-2", "a-2-2", "a-3"])
  }

  @Test func `what is known without asking is unready until a check has answered, which who watches asks at once`()
    async throws
  {
    let monitor = await ready([HealthCheck("new") { throw Trouble() }])
    #expect(await monitor.lastReport.isReady == false)
    let watching = Task { try await monitor.watch(every: .seconds(3600)) }
    let deadline = ContinuousClock.now + .seconds(60)
    while await monitor.lastReport.entries.isEmpty {
      try #require(ContinuousClock.now < deadline)
      await Task.yield()
    }
    watching.cancel()
    #expect(await monitor.lastReport.entries.map(\.isFailing) == [true])
    #expect(await ready([]).lastReport.isReady)
  }

  @Test func `changes are told once: a check that fails and recovers, a process unready and ready again`() async {
    let isSound = Mutex(true)
    let told = Mutex<[String]>([])
    let monitor = HealthMonitor(
      [
        HealthCheck("db") { if !isSound.withLock({ $0 }) { throw Trouble() } },
        HealthCheck("cache", isCritical: false) { throw Trouble() },
      ], maxAge: .zero
    ) { change in
      let text =
        switch change {
        case .failing(let entry): "failing \(entry.name)"
        case .recovered(let entry, _): "recovered \(entry.name)"
        case .unready(let reasons): "unready \(reasons.count)"
        case .readyAgain: "ready again"
        }
      told.withLock { $0.append(text) }
    }
    await monitor.becomeReady()
    for sound in [true, true, false, false, true, true] {
      isSound.withLock { $0 = sound }
      _ = await monitor.report()
    }
    #expect(told.withLock { $0 } == ["failing cache", "failing db", "unready 1", "recovered db", "ready again"])
  }

  @Test func `startup is over once the process was ready, and stays so; checks may come later`() async {
    let monitor = HealthMonitor(maxAge: .seconds(3600))
    #expect(await monitor.startup().hasStarted == false)
    #expect(await monitor.report().obstacle == "starting")
    await monitor.add([HealthCheck("late") { throw Trouble() }])
    await monitor.becomeReady()
    #expect(await monitor.startup().hasStarted)
    #expect(await monitor.report().isReady == false)
    await monitor.becomeUnready("stopping")
    #expect(await monitor.startup().hasStarted)
    let afterStop = HealthMonitor()
    await afterStop.becomeUnready("stopping")
    await afterStop.becomeReady()
    #expect(await afterStop.report().obstacle == "stopping")
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
  private let continuations = Mutex<[CheckedContinuation<Void, Never>]>([])
  func keep(_ continuation: CheckedContinuation<Void, Never>) { continuations.withLock { $0.append(continuation) } }
  func resumeAll() {
    let all = continuations.withLock { continuations in
      defer { continuations = [] }
      return continuations
    }
    for continuation in all { continuation.resume() }
  }
}
