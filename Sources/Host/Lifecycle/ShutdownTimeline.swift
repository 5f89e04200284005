internal import Container
internal import StructuredLogging
internal import Synchronization

/// What happened between the wish to stop and the end of the process, step by step: told while it happens, and printed
/// as one table at the end.
final class ShutdownTimeline: ContainerObserver {
  struct Step: Sendable, Hashable {
    /// What it was: `drain delay`, `run worker`, `stop PostgresPool`.
    let name: String
    let took: Duration
    /// How long it might have taken; nil where it had no budget of its own.
    var budget: Duration?
    /// How it went, if there is something to say.
    var note: String?
  }

  private struct State {
    var reason: StopReason?
    var begin: ContinuousClock.Instant?
    var appBegin: ContinuousClock.Instant?
    var steps: [Step] = []
    /// Of the steps that are under way, by name.
    var budgets: [String: Duration] = [:]
  }

  private let budget: ShutdownBudget
  private let state = Mutex(State())

  init(_ budget: ShutdownBudget) { self.budget = budget }

  /// The wish to stop was heard; called again it has no effect.
  func begin(_ reason: StopReason) {
    state.withLock { state in
      guard state.begin == nil else { return }
      state.begin = .now
      state.reason = reason
    }
  }

  func add(_ step: Step) { state.withLock { $0.steps.append(step) } }

  /// Does something and notes how long it took.
  func measure(_ name: String, budget: Duration? = nil, _ body: () async -> String?) async {
    let start = ContinuousClock.now
    let note = await body()
    add(Step(name: name, took: .now - start, budget: budget, note: note))
  }

  /// Notes what the container stops.
  func observe(_ event: ContainerEvent) {
    switch event {
    case .stopRequested(let reason):
      begin(reason)
      state.withLock { $0.appBegin = .now }
    case .stopping(let origin, let hook, let budget):
      state.withLock { $0.budgets[Self.name(origin, hook)] = budget }
    case .stopped(let origin, let hook, let duration): end(Self.name(origin, hook), duration, nil)
    case .stopFailed(let origin, let hook, let duration, let error):
      end(Self.name(origin, hook), duration, "failed: \(error)")
    case .scopesEnded(let took, let leftBehind):
      add(Step(name: "scopes", took: took, note: leftBehind == 0 ? "all ended" : "\(leftBehind) left behind"))
    case .cameLate(let origin): add(Step(name: "late \(origin.name)", took: .zero, note: "given up before it ended"))
    default: break
    }
  }

  private func end(_ name: String, _ took: Duration, _ note: String?) {
    state.withLock { state in
      // A hook may allow itself more than the whole stop has.
      let allowed = state.budgets.removeValue(forKey: name).map { min($0, budget.total) }
      state.steps.append(Step(name: name, took: took, budget: allowed, note: note))
    }
  }

  private static func name(_ origin: Origin, _ hook: String?) -> String {
    "\(origin.kind == .run ? "run" : "stop") \(origin.name)" + (hook.map { " (\($0))" } ?? "")
  }

  // MARK: Telling

  /// The whole as a table for people. Nil when nothing was stopped.
  ///
  /// ```
  /// keel: stopped in 5.31s of 30s: signal SIGTERM
  ///   unready            0ns
  ///   drain delay        5s     of 5s
  ///   requests           120ms  of 12.5s  all finished
  ///   run worker         1.2ms  of 15s
  ///   stop PostgresPool  3ms    of 15s
  ///   exit code 0
  /// ```
  func table(_ program: String, _ code: ExitCode) -> String? {
    let state = state.withLock { $0 }
    guard let begin = state.begin, let reason = state.reason else { return nil }
    let rows = state.steps.map { step in
      [
        step.name, "\(LogValue.duration(step.took))", step.budget.map { "of \(LogValue.duration($0))" } ?? "",
        step.note ?? "",
      ]
    }
    let head =
      "\(program): stopped in \(LogValue.duration(.now - begin)) of \(LogValue.duration(budget.total)): \(reason)"
    return [head, TextTable.aligned(rows), "  exit code \(code.rawValue)"].filter { !$0.isEmpty }
      .joined(separator: "\n")
  }

  /// The whole as data for a log that machines read. Empty when nothing was stopped.
  func metadata(_ code: ExitCode) -> LogMetadata {
    let state = state.withLock { $0 }
    guard let begin = state.begin, let reason = state.reason else { return [:] }
    let steps = state.steps.map { step -> LogValue in
      var pairs: LogMetadata = ["step": .string(step.name), "took": .duration(step.took)]
      if let budget = step.budget { pairs["budget"] = .duration(budget) }
      if let note = step.note { pairs["note"] = .string(note) }
      return .dictionary(pairs)
    }
    return [
      "reason": .string("\(reason)"), "took": .duration(.now - begin), "budget": .duration(budget.total),
      "exit_code": .integer(code.rawValue), "steps": .array(steps),
    ]
  }

  /// The names of the steps so far.
  var names: [String] { state.withLock { $0.steps.map(\.name) } }
}
