extension EngineState {
  // MARK: Jobs

  /// Puts jobs into the queue. Whoever changes the state calls `ensureWorker` at the end, unless it takes a job itself.
  mutating func enqueue(_ nodes: [Int], _ job: (Int) -> Job) {
    for node in nodes { queue.append(job(node)) }
  }

  /// The next job for a worker; nil if it is to end.
  mutating func take(_ worker: Int, now: Duration, _ effects: inout [Effect]) -> Job? {
    if pendingWorker == worker { pendingWorker = nil }
    guard workers[worker]?.isCancelled == false, queueHead < queue.count else {
      workers[worker] = nil
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
    ensureWorker(&effects)
    return job
  }

  private mutating func begin(_ job: Job, worker: Int, now: Duration) {
    switch job {
    case .start(let node):
      records[node].worker = worker
      records[node].activity = .building
      records[node].since = now
      records[node].timing.buildBegan = Moment(now)
      // While running there is no budget of the app's around a value that someone asks for.
      if machine.current == .running { records[node].deadline = now + options.startTimeout }
    case .stop(let node), .undo(let node, _):
      records[node].worker = worker
      records[node].activity = .none
      records[node].since = now
    }
  }

  // MARK: Workers

  /// Sees to it that there is somebody to take what is in the queue.
  mutating func ensureWorker(_ effects: inout [Effect]) {
    guard queueHead < queue.count, pendingWorker == nil else { return }
    nextWorker += 1
    workers[nextWorker] = Worker()
    pendingWorker = nextWorker
    effects.append(.spawn(nextWorker))
  }

  /// The task of a worker is there. Returns whether it is to be cancelled at once.
  mutating func hire(_ worker: Int, _ task: Task<Void, Never>) -> Bool {
    // It may have ended already.
    guard let record = workers[worker] else { return false }
    workers[worker]?.task = task
    return record.isCancelled
  }

  mutating func cancelWorkers(_ effects: inout [Effect]) {
    for id in workers.keys { cancelWorker(id, &effects) }
  }

  mutating func cancelWorker(_ id: Int, _ effects: inout [Effect]) {
    guard let worker = workers[id] else { return }
    workers[id]?.isCancelled = true
    if pendingWorker == id {
      pendingWorker = nil
      ensureWorker(&effects)
    }
    if let task = worker.task { effects.append(.cancel([task])) }
  }
}
