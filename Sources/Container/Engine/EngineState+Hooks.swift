extension EngineState {
  /// A node's next hook is to start: those before it have, if they had anything to do. Returns false if the worker does not own
  /// the node any more.
  mutating func beginStartHook(
    _ node: Int, _ index: Int, of made: [Hook], worker: Int, now: Duration, _ effects: inout [Effect]
  ) -> Bool {
    guard owns(worker, node) else { return false }
    if index == 0 {
      if hooks.isEmpty { hooks = Array(repeating: [], count: records.count) }
      hooks[node] = made
      records[node].timing.buildEnded = Moment(now)
    }
    records[node].startedHooks = index
    guard made[index].onStart != nil else { return true }
    records[node].activity = .startingHook(index)
    records[node].since = now
    setDeadline(node, now + options.budget(of: made[index], .start), &effects)
    return true
  }

  /// The next hook of a node to stop: the last that started. Nil if there is none or the worker does not own the node.
  mutating func beginStopHook(
    _ node: Int, worker: Int, now: Duration, _ effects: inout [Effect]
  ) -> (hook: Hook, isLast: Bool)? {
    guard owns(worker, node) else { return nil }
    if records[node].timing.stopBegan.time == nil { records[node].timing.stopBegan = Moment(now) }
    while records[node].startedHooks > 0 {
      records[node].startedHooks -= 1
      let index = records[node].startedHooks
      let hook = hooks[node][index]
      guard hook.onStop != nil else { continue }
      records[node].activity = .stoppingHook(index)
      records[node].since = now
      setDeadline(node, now + options.budget(of: hook, .stop), &effects)
      return (hook, records[node].startedHooks == 0)
    }
    return nil
  }

  /// The background task of a node is to end. Nil if there is none or the worker does not own the node.
  mutating func beginStopRun(_ node: Int, worker: Int, now: Duration, _ effects: inout [Effect]) -> RunTask? {
    guard !runs.isEmpty, owns(worker, node), let run = runs.removeValue(forKey: node) else { return nil }
    records[node].timing.stopBegan = Moment(now)
    endingRuns[node] = run
    records[node].activity = .stoppingRun
    records[node].since = now
    setDeadline(node, now + options.budget(of: run), &effects)
    return run
  }

  private mutating func setDeadline(_ node: Int, _ time: Duration, _ effects: inout [Effect]) {
    records[node].deadline = time
    // While the app starts, whoever starts it sees to the watch.
    if watch.isOn ? time < watch.next : machine.current != .starting { effects.append(.watch) }
  }
}
