extension EngineState {
  /// The next hook of a node to start. `index` counts from the first.
  mutating func beginStartHook(
    _ node: Int, _ index: Int, worker: Int, now: Duration, _ effects: inout [Effect]
  ) -> Bool {
    guard owns(worker, node) else { return false }
    records[node].activity = .startingHook(index)
    records[node].since = now
    setDeadline(node, now + (hooks[node][index].startTimeout ?? options.hookTimeout), &effects)
    return true
  }

  /// The start half of a hook has ended well. Returns false if that came too late.
  mutating func endStartHook(_ node: Int, _ index: Int, worker: Int) -> Bool {
    guard owns(worker, node) else { return false }
    records[node].startedHooks = index + 1
    return true
  }

  /// The next hook of a node to stop: the last that started. Nil if there is none or the worker does not own the node.
  mutating func beginStopHook(_ node: Int, worker: Int, now: Duration, _ effects: inout [Effect]) -> Hook? {
    guard owns(worker, node) else { return nil }
    if records[node].timing.stopBegan.time == nil { records[node].timing.stopBegan = Moment(now) }
    while records[node].startedHooks > 0 {
      records[node].startedHooks -= 1
      let index = records[node].startedHooks
      let hook = hooks[node][index]
      guard hook.onStop != nil else { continue }
      records[node].activity = .stoppingHook(index)
      records[node].since = now
      setDeadline(node, now + (hook.stopTimeout ?? options.hookTimeout), &effects)
      return hook
    }
    return nil
  }

  /// The background task of a node is to end. Nil if there is none or the worker does not own the node.
  mutating func beginStopRun(_ node: Int, worker: Int, now: Duration, _ effects: inout [Effect]) -> RunTask? {
    guard !runs.isEmpty, owns(worker, node), let run = runs.removeValue(forKey: node) else { return nil }
    records[node].timing.stopBegan = Moment(now)
    records[node].activity = .stoppingRun
    records[node].since = now
    setDeadline(node, now + run.grace + options.hookTimeout, &effects)
    return run
  }

  /// The node has been built and has hooks, the first of which is to start.
  mutating func keepHooks(_ made: [Hook], of node: Int) {
    if hooks.isEmpty { hooks = Array(repeating: [], count: records.count) }
    hooks[node] = made
    records[node].startedHooks = 0
  }

  private mutating func setDeadline(_ node: Int, _ time: Duration, _ effects: inout [Effect]) {
    records[node].deadline = time
    if !watch.isOn || time < watch.next { effects.append(.watch) }
  }
}
