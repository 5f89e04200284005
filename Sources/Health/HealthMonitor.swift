/// Asks all checks at once, keeps the answers for a moment, and lets those who ask meanwhile share them.
///
/// A monitor begins as `starting`, is told by ``becomeReady()`` that the app has started, and by
/// ``becomeUnready(_:)`` that it is going to stop, which is final.
public actor HealthMonitor {
  /// What is remembered of a check between rounds.
  private struct Standing {
    var hasSucceeded = false
    var failures = 0
    var failingSince: ContinuousClock.Instant?
  }

  private var questions: [HealthQuestion] = []
  private var names: [String] = []
  private var standings: [Standing] = []
  private let maxAge: Duration
  private let onChange: (@Sendable (HealthChange) -> Void)?
  private var last: (entries: [HealthReport.Entry], time: ContinuousClock.Instant)?
  private var underWay: Task<[HealthReport.Entry], Never>?
  private var obstacle: String? = "starting"
  private var isFinal = false
  /// The checks are not asked any more.
  private var isAtRest = false
  private let created = ContinuousClock.now
  private var startedAfter: Duration?
  private var unreadySince: ContinuousClock.Instant?

  /// - Parameters:
  ///   - checks: what is asked.
  ///   - maxAge: how long an answer is good for. Default 1 second.
  ///   - onChange: is told when a check begins or ceases to fail, and when the process becomes unready or ready again.
  ///     Changes are found when somebody asks for a ``report()``. It must not block.
  public init(
    _ checks: [HealthCheck] = [], maxAge: Duration = .seconds(1), onChange: (@Sendable (HealthChange) -> Void)? = nil
  ) {
    self.maxAge = maxAge
    self.onChange = onChange
    questions = checks.map(HealthQuestion.init)
    names = Self.distinct(checks.map(\.name))
    standings = Array(repeating: Standing(), count: checks.count)
  }

  /// Takes further checks: a server may answer before what it reports on exists.
  public func add(_ checks: [HealthCheck]) {
    questions += checks.map(HealthQuestion.init)
    names = Self.distinct(questions.map(\.check.name))
    standings += Array(repeating: Standing(), count: checks.count)
  }

  // MARK: Starting and stopping

  /// From now on the checks alone decide; unless the process has begun to stop.
  public func becomeReady() {
    guard !isFinal else { return }
    obstacle = nil
    if startedAfter == nil { startedAfter = .now - created }
  }

  /// From now on and for good the process is unready, whatever the checks say.
  ///
  /// - Parameter reason: why, for the report.
  public func becomeUnready(_ reason: String) {
    obstacle = reason
    isFinal = true
  }

  /// Whether the app has started, and for how long it has or had been starting. Once true it stays so.
  public func startup() -> (hasStarted: Bool, took: Duration) {
    (startedAfter != nil, startedAfter ?? .now - created)
  }

  // MARK: Asking

  /// Asks now and every `period`, so that changes are found, until the task is cancelled. That cancels the checks too, and
  /// they are not asked again: reports give the last answers.
  public func watch(every period: Duration) async throws {
    try await withTaskCancellationHandler {
      while true {
        _ = await report()
        try await Task.sleep(for: period)
      }
    } onCancel: {
      Task { await self.rest() }
    }
  }

  private func rest() {
    isAtRest = true
    underWay?.cancel()
  }

  /// What the checks answer now, or answered within the last moment.
  public func report() async -> HealthReport {
    while !isAtRest {
      // Checks that were added since have yet to be asked.
      if let last, last.entries.count == questions.count, ContinuousClock.now - last.time < maxAge {
        return HealthReport(entries: last.entries, obstacle: obstacle)
      }
      let asking = underWay ?? round()
      underWay = asking
      let entries = await asking.value
      // Cancelled checks have failed, but nothing is wrong with what they check.
      if isAtRest { break }
      // Others may have waited for the same answers and come here first.
      if underWay == asking {
        underWay = nil
        last = (entries, .now)
        note(entries)
      }
      guard entries.count == questions.count else { continue }
      return HealthReport(entries: entries, obstacle: obstacle)
    }
    return lastReport
  }

  /// The answers of the last round, however old: asks nothing, waits for nothing. For metrics. Unready before there are any.
  public var lastReport: HealthReport {
    let isUnasked = last == nil && !questions.isEmpty && !isAtRest
    return HealthReport(entries: last?.entries ?? [], obstacle: obstacle ?? (isUnasked ? "not checked yet" : nil))
  }

  private func round() -> Task<[HealthReport.Entry], Never> {
    Task { [questions] in
      let answers = await withTaskGroup(of: (Int, HealthQuestion.Answer).self) { group in
        for (index, question) in questions.enumerated() { group.addTask { (index, await question.ask()) } }
        return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
      }
      return self.weigh(answers)
    }
  }

  /// The answers in the light of those before.
  private func weigh(_ answers: [Int: HealthQuestion.Answer]) -> [HealthReport.Entry] {
    questions.indices.compactMap { index in
      guard let answer = answers[index] else { return nil }
      let check = questions[index].check
      if answer.failure == nil {
        standings[index].hasSucceeded = true
        standings[index].failures = 0
      } else {
        standings[index].failures += 1
      }
      let threshold = standings[index].hasSucceeded ? check.failureThreshold : 1
      return HealthReport.Entry(
        name: names[index], isCritical: check.isCritical, failure: answer.failure, duration: answer.duration,
        failures: standings[index].failures, failureThreshold: check.failureThreshold,
        isFailing: standings[index].failures >= threshold)
    }
  }

  /// Tells what has changed since the last round.
  private func note(_ entries: [HealthReport.Entry]) {
    let now = ContinuousClock.now
    var changes: [HealthChange] = []
    for (index, entry) in entries.enumerated() {
      switch (standings[index].failingSince, entry.isFailing) {
      case (nil, true):
        standings[index].failingSince = now
        changes.append(.failing(entry))
      case (let since?, false):
        standings[index].failingSince = nil
        changes.append(.recovered(entry, after: now - since))
      case (nil, false), (.some, true): break
      }
    }
    // Starting and stopping are told by those who do it.
    if obstacle == nil {
      let reasons = entries.filter { $0.isFailing && $0.isCritical }.map { "\($0.name): \($0.failure ?? "")" }
      switch (unreadySince, reasons.isEmpty) {
      case (nil, false):
        unreadySince = now
        changes.append(.unready(reasons))
      case (let since?, true):
        unreadySince = nil
        changes.append(.readyAgain(after: now - since))
      case (nil, true), (.some, false): break
      }
    }
    for change in changes { onChange?(change) }
  }

  /// The names, each once: a report is an object with a member for each.
  private static func distinct(_ names: [String]) -> [String] {
    var taken: Set<String> = []
    return names.map { name in
      var (own, count) = (name, 1)
      while !taken.insert(own).inserted {
        count += 1
        own = "\(name)-\(count)"
      }
      return own
    }
  }
}
