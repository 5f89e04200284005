extension ContainerError {
  static func runDidNotEnd(_ plan: Plan, _ node: Int, _ elapsed: Duration) -> ContainerError {
    let origin = plan.origin(node)
    return ContainerError(
      .stopTimedOut, "\(origin.name) did not end within \(elapsed.short) of being told to",
      details: [
        "at \(origin.location) in \(origin.module)", "its task was cancelled: check Task.isCancelled in its loop",
      ],
      origin: origin)
  }

  static func scopesDidNotEnd(_ scopes: [Origin], _ elapsed: Duration) -> ContainerError {
    let (are, them, whose) =
      scopes.count == 1
      ? ("a scope was", "it", "its task was") : ("\(scopes.count) scopes were", "them", "their tasks were")
    return ContainerError(
      .stopTimedOut, "\(are) still open \(elapsed.short) after the stop began to wait for \(them)",
      details: scopes.counted.map { "opened at \($0.location)" + ($1 == 1 ? "" : ", \($1) times") }.listed(\.self)
        + ["\(whose) cancelled: check Task.isCancelled in the body of withScope"],
      origin: scopes.first)
  }

  static func buildTimedOut(_ plan: Plan, _ node: Int, _ elapsed: Duration) -> ContainerError {
    let origin = plan.origin(node)
    return ContainerError(
      .startTimedOut, "the constructor of `\(origin.name)` did not return within \(elapsed.short)",
      details: ["at \(origin.location) in \(origin.module)"], origin: origin)
  }

  static func hookTimedOut(
    _ plan: Plan, _ node: Int, _ hook: Hook, _ half: HookHalf, _ elapsed: Duration, budget: Duration,
    finished: [String], stillRunning: [Straggler]
  ) -> ContainerError {
    let origin = plan.origin(node)
    let site = (half == .start ? hook.startSite : hook.stopSite)?.location ?? origin.location
    let name = hook.name.map { " \"\($0)\"" } ?? ""
    return ContainerError(
      half == .start ? .startTimedOut : .stopTimedOut,
      "\(half) hook\(name) of `\(origin.name)` took longer than its budget of \(budget.short)",
      details: ["at \(site) in \(origin.module), after \(elapsed.short)"]
        + progress(half, finished, stillRunning.filter { $0.origin != origin }),
      origin: origin)
  }

  static func appTimedOut(
    _ half: HookHalf, budget: Duration, finished: [String], stillRunning: [Straggler], left: [Origin]
  ) -> ContainerError {
    ContainerError(
      half == .start ? .startTimedOut : .stopTimedOut, "the \(half) took longer than its budget of \(budget.short)",
      details: progress(half, finished, stillRunning) + left.map { "not stopped: \($0)" },
      origin: stillRunning.first?.origin)
  }

  private static func progress(_ half: HookHalf, _ finished: [String], _ running: [Straggler]) -> [String] {
    let verb = half == .start ? "started" : "stopped"
    let last = finished.suffix(8).map { "`\($0)`" }.joined(separator: ", ")
    let line =
      switch finished.count {
      case 0: "nothing had \(verb)"
      case ...8: "\(verb) before: \(last)"
      default: "\(verb) before: \(finished.count) in all, the last of them \(last)"
      }
    return running.map { "still running: \($0)" } + [line]
  }
}

extension [Origin] {
  /// Each once, the most frequent first, with how often it is there.
  var counted: [(origin: Origin, count: Int)] {
    var counts: [Origin: Int] = [:]
    var all: [Origin] = []
    for origin in self {
      counts[origin, default: 0] += 1
      if counts[origin] == 1 { all.append(origin) }
    }
    return all.map { ($0, counts[$0] ?? 0) }.sorted { $0.1 > $1.1 }
  }
}
