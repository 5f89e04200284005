extension EngineState {
  // MARK: Jobs

  /// Puts what the schedule has handed out into the queue. Whoever changes the state calls `ensureWorker` at the end, unless it
  /// takes a job itself.
  mutating func enqueueStarts() {
    guard !schedule.ready.isEmpty else { return }
    for node in schedule.ready { queue.append(.start(node)) }
    schedule.clearReady()
  }

  mutating func enqueueStops() {
    guard !schedule.ready.isEmpty else { return }
    for node in schedule.ready { queue.append(.stop(node)) }
    schedule.clearReady()
  }

  /// Takes what has not been begun out of the queue: it would be built by a worker that nobody has cancelled. Returns the nodes.
  mutating func takeBackStarts() -> [Int] {
    var nodes: [Int] = []
    var rest: [Job] = []
    for job in queue[queueHead...] {
      if case .start(let node) = job { nodes.append(node) } else { rest.append(job) }
    }
    (queue, queueHead) = (rest, 0)
    schedule.takeBack(nodes)
    return nodes
  }

  /// A node could not be built or started. What it had started is undone by another worker than its own: that may have been
  /// cancelled, and stop hooks must not be.
  mutating func fail(
    _ node: Int, _ worker: Int, _ error: ContainerError, now: Duration, _ effects: inout [Effect]
  ) {
    if case .startingHook(let index) = records[node].activity {
      hooks[node] = hooks[node].toStop(afterFailureOf: index)
      records[node].startedHooks = hooks[node].count
    }
    release(node)
    guard records[node].startedHooks > 0 else { return failStart(node, error, now: now, &effects) }
    cancelWorker(worker, &effects)
    undo(node, error, now: now, &effects)
  }

  /// Has undone what a failed node had started.
  private mutating func undo(_ node: Int, _ error: ContainerError, now: Duration, _ effects: inout [Effect]) {
    let isStarting = machine.current == .starting
    undoing[node] = (error, isKept: isStarting)
    queue.append(.undo(node))
    // The start turns round now, not when that is done: nothing else need be begun, and this failure came first.
    if isStarting { abortStart(error, now: now, &effects) }
  }

  /// The next job for a worker; nil if it is to end.
  mutating func take(_ worker: Int, now: Duration, _ effects: inout [Effect]) -> Job? {
    if pendingWorker == worker { pendingWorker = nil }
    guard queueHead < queue.count, cancelledWorkers.isEmpty || !cancelledWorkers.contains(worker) else {
      workers.removeValue(forKey: worker)
      cancelledWorkers.remove(worker)
      abandoned[worker] = nil
      ensureWorker(&effects)
      return nil
    }
    let job = queue[queueHead]
    queueHead += 1
    if queueHead == queue.count {
      queue.removeAll(keepingCapacity: true)
      queueHead = 0
    }
    begin(job, worker: worker, now: now)
    if case .start(let node) = job, let deadline = records[node].deadline, !watch.isOn || deadline < watch.next {
      effects.append(.watch)
    }
    ensureWorker(&effects)
    return job
  }

  private mutating func begin(_ job: Job, worker: Int, now: Duration) {
    switch job {
    case .start(let node):
      records[node].worker = worker
      records[node].activity = .building
      records[node].since = now
      // Anew: of a value that failed and is tried again, the last try counts.
      records[node].timing = NodeTiming()
      records[node].timing.buildBegan = Moment(now)
      // While running there is no budget of the app's around a value that someone asks for.
      if machine.current == .running { records[node].deadline = now + options.startTimeout }
    case .stop(let node), .undo(let node):
      records[node].worker = worker
      records[node].activity = .none
      records[node].since = now
      // That of a hook which the worker before was over its time with.
      records[node].deadline = nil
    }
  }

  // MARK: Workers

  /// Sees to it that there is somebody to take what is in the queue.
  mutating func ensureWorker(_ effects: inout [Effect]) {
    guard queueHead < queue.count, pendingWorker == nil else { return }
    nextWorker += 1
    workers.updateValue(nil, forKey: nextWorker)
    pendingWorker = nextWorker
    effects.append(.spawn(nextWorker))
  }

  /// The task of a worker is there. Returns whether it is to be cancelled at once.
  mutating func hire(_ worker: Int, _ task: Task<Void, Never>) -> Bool {
    // It may have ended already.
    guard workers[worker] != nil else { return false }
    workers[worker] = task
    return cancelledWorkers.contains(worker)
  }

  mutating func cancelWorkers(_ effects: inout [Effect]) {
    for id in workers.keys { cancelWorker(id, &effects) }
  }

  /// All but those that undo what a failed node had started: stop hooks must not be cancelled.
  mutating func cancelBuilders(_ effects: inout [Effect]) {
    let undoers = Set(undoing.keys.map { records[$0].worker })
    for id in workers.keys where !undoers.contains(id) { cancelWorker(id, &effects) }
  }

  mutating func cancelWorker(_ id: Int, _ effects: inout [Effect]) {
    guard let task = workers[id] else { return }
    cancelledWorkers.insert(id)
    if pendingWorker == id {
      pendingWorker = nil
      ensureWorker(&effects)
    }
    if let task { effects.append(.cancel([task])) }
  }
}
