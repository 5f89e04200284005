internal import CEpoll
internal import Glibc
internal import MonotonicTime
internal import Synchronization

/// One thread that waits for file descriptors, timers and work, and runs Swift tasks.
///
/// The loop drives the PostgreSQL driver and the HTTP server. It is also a `TaskExecutor`: a task that prefers it
/// (`Task(executorPreference: loop)`) sends a query, is resumed and answers on the same thread, with no hand-over
/// between threads on the way.
///
/// Handlers and jobs must not block: everything else on the loop waits for them. A turn that takes longer than
/// ``Configuration/stallThreshold`` is reported to ``Configuration/onStall``. `Task { }` and `Task.detached { }`
/// started on the loop do not inherit the preference; child tasks (`async let`, task groups) do.
///
/// The loop lives until ``stop()``; its thread keeps it alive.
public final class EventLoop: TaskExecutor, Sendable {
  /// What can be chosen for a loop.
  public struct Configuration: Sendable {
    /// The thread's name, as `ps` and debuggers show it. Linux keeps 15 bytes.
    public var name: String
    /// How long the loop polls without sleeping before it waits in the kernel. Zero (the default) never polls;
    /// 20–50 µs takes most of the wake-up time out of a lone query, at the price of a busy core.
    public var busyPoll: Duration
    /// A turn longer than this is a stall. Default 100 ms.
    public var stallThreshold: Duration
    /// Told of each stall with its length, on the loop's thread. Default: nobody is told.
    public var onStall: (@Sendable (Duration) -> Void)?

    /// Defaults for everything but the name.
    public init(name: String = "keel-loop") {
      self.name = name
      busyPoll = .zero
      stallThreshold = .milliseconds(100)
      onStall = nil
    }
  }

  private enum Work {
    case job(UnownedJob)
    case closure(@Sendable () -> Void)
  }

  private struct State {
    var work: [Work] = []
    var timers = TimerQueue()
    var handlers: [UInt64: Handler] = [:]
    /// Who watches a descriptor and is to be told that nobody does any more.
    var stopHandlers: [UInt64: @Sendable () -> Void] = [:]
    var nextToken: UInt64 = EventLoop.wakeToken + 1
    /// The thread is in `epoll_wait`, or about to be: work from another thread must wake it.
    var isAsleep = false
    /// `stop()` was called: the thread leaves when nothing is left to run.
    var isStopping = false
    /// The thread is gone: jobs go to the global executor.
    var isStopped = false
    var stopWaiters: [CheckedContinuation<Void, Never>] = []

    /// Whether the thread sleeps and nobody has woken it yet; if so the caller is to wake it.
    mutating func takeWake() -> Bool {
      defer { isAsleep = false }
      return isAsleep
    }
  }

  typealias Handler = @Sendable (Readiness) -> Void

  private static let wakeToken: UInt64 = 0
  /// Rounds of work between two looks at the descriptors, so that jobs that make jobs cannot starve them. Behind each ready
  /// descriptor there is one more.
  private static let roundsPerTurn = 16

  /// What was chosen.
  public let configuration: Configuration

  private let epoll: Int32
  private let wakeDescriptor: Int32
  private let state = Mutex(State())
  private let thread = Atomic<UInt>(0)
  /// How many pieces of work are to run before the thread looks at the descriptors again, or at what was queued since.
  private let remaining = Atomic(0)

  /// Makes the loop and starts its thread.
  ///
  /// - Throws: ``EventLoopError`` when the process is out of descriptors or threads.
  public init(_ configuration: Configuration = Configuration()) throws(EventLoopError) {
    self.configuration = configuration
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    wakeDescriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
    guard epoll >= 0, wakeDescriptor >= 0 else { throw EventLoopError("epoll_create1 or eventfd", errno: errno) }
    try control(EPOLL_CTL_ADD, wakeDescriptor, .read, token: Self.wakeToken)
    try startThread { self.run() }
  }

  // Not when the thread ends: a caller may just then be about to wake it.
  deinit {
    close(wakeDescriptor)
    close(epoll)
  }

  // MARK: Work

  /// Whether the caller runs on the loop's thread.
  public var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

  /// Whether other work runs before anything that is queued now. On the loop's thread; false on any other.
  package var hasMoreWork: Bool { isCurrent && remaining.load(ordering: .relaxed) > 0 }

  /// Runs `work` soon on the loop's thread, after what is queued already.
  ///
  /// - Returns: whether it will run. A loop that has been stopped drops it: whoever waits for the work must look.
  @discardableResult
  public func execute(_ work: @escaping @Sendable () -> Void) -> Bool {
    let accepted = state.withLock { state -> (accepted: Bool, wake: Bool) in
      guard !state.isStopped else { return (false, false) }
      state.work.append(.closure(work))
      return (true, state.takeWake())
    }
    if accepted.wake { wake() }
    return accepted.accepted
  }

  /// Runs `work` on the loop's thread once `delay` has passed; never if the loop is stopped before.
  ///
  /// - Returns: the timer, to cancel it. Letting go of it cancels nothing.
  @discardableResult
  public func schedule(after delay: Duration, _ work: @escaping @Sendable () -> Void) -> Timer {
    let deadline = MonotonicInstant.now + delay
    let (id, wakes) = state.withLock { state -> (UInt64, Bool) in
      guard !state.isStopped else { return (0, false) }
      let (id, isFirst) = state.timers.insert(deadline, work)
      return (id, isFirst && state.takeWake())
    }
    if wakes { wake() }
    return Timer(loop: self, id: id)
  }

  /// A piece of work that waits for its time. See ``EventLoop/schedule(after:_:)``.
  public struct Timer: Sendable {
    fileprivate let loop: EventLoop
    fileprivate let id: UInt64

    /// Forgets the work unless it has begun. On the loop's thread, work that has not begun never will.
    public func cancel() {
      loop.state.withLock { $0.timers.remove(id) }
    }
  }

  // MARK: Task executor

  /// Queues a job of a task that prefers this loop.
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let (accepted, wakes) = state.withLock { state in
      guard !state.isStopped else { return (false, false) }
      state.work.append(.job(job))
      return (true, state.takeWake())
    }
    if wakes { wake() }
    // A task outlives the loop it prefers: it still has to finish somewhere.
    if !accepted { globalConcurrentExecutor.enqueue(job) }
  }

  // MARK: Descriptors

  /// Watches a descriptor, level-triggered: `handler` runs on the loop's thread for as long as the descriptor is ready.
  ///
  /// Cancel the registration before the descriptor is closed. What a handler is told may be older than the last
  /// ``Registration/update(_:)``: others that were ready at the same time come first, with all that they set going.
  ///
  /// - Parameter onStop: Called once, on the loop's thread, if the loop is stopped while it watches: for whoever has others
  ///   wait for the descriptor.
  /// - Throws: ``EventLoopError`` when the kernel refuses the descriptor (a plain file, for one), or the loop has been
  ///   stopped.
  public func register(
    _ descriptor: Int32, _ interest: Interest, onStop: (@Sendable () -> Void)? = nil,
    _ handler: @escaping @Sendable (Readiness) -> Void
  ) throws(EventLoopError) -> Registration {
    let token = state.withLock { state -> UInt64? in
      guard !state.isStopped else { return nil }
      let token = state.nextToken
      state.nextToken += 1
      state.handlers[token] = handler
      if let onStop { state.stopHandlers[token] = onStop }
      return token
    }
    guard let token else { throw EventLoopError("register on a loop that has been stopped", errno: ECANCELED) }
    do {
      try control(EPOLL_CTL_ADD, descriptor, interest, token: token)
    } catch {
      forget(token)
      throw error
    }
    return Registration(loop: self, descriptor: descriptor, token: token)
  }

  func update(_ descriptor: Int32, _ interest: Interest, token: UInt64) throws(EventLoopError) {
    try control(EPOLL_CTL_MOD, descriptor, interest, token: token)
  }

  func deregister(_ descriptor: Int32, token: UInt64) {
    guard forget(token) else { return }
    epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, nil)
  }

  /// False when it had been forgotten.
  @discardableResult
  private func forget(_ token: UInt64) -> Bool {
    // Let go of here, not under the lock: what a closure held may call the loop when it goes.
    let (handler, onStop) = state.withLock { state in
      (state.handlers.removeValue(forKey: token), state.stopHandlers.removeValue(forKey: token))
    }
    return withExtendedLifetime(onStop) { handler != nil }
  }

  private func control(
    _ operation: Int32, _ descriptor: Int32, _ interest: Interest, token: UInt64
  ) throws(EventLoopError) {
    var event = epoll_event()
    event.events = interest.epollEvents
    event.data.u64 = token
    guard epoll_ctl(epoll, operation, descriptor, &event) == 0 else {
      throw EventLoopError("epoll_ctl on descriptor \(descriptor)", errno: errno)
    }
  }

  // MARK: Stopping

  /// Runs what is queued, forgets timers and registrations, and ends the thread. Further calls wait for the same end. A
  /// connection to PostgreSQL that is still open on the loop breaks.
  ///
  /// Must not be awaited by a task that runs on the loop and has to be resumed there before the end.
  public func stop() async {
    await withCheckedContinuation { continuation in
      let (isOver, wakes) = state.withLock { state in
        guard !state.isStopped else { return (true, false) }
        state.isStopping = true
        state.stopWaiters.append(continuation)
        return (false, state.takeWake())
      }
      if wakes { wake() }
      if isOver { continuation.resume() }
    }
  }

  // MARK: The thread

  private func run() {
    thread.store(UInt(pthread_self()), ordering: .relaxed)
    nameThread(configuration.name)
    let executor = asUnownedTaskExecutor()
    var batch: [Work] = []
    var events = [epoll_event](repeating: epoll_event(), count: 128)

    while true {
      let turnStart = MonotonicInstant.now
      var rounds = 0
      while rounds < Self.roundsPerTurn, runWork(&batch, executor) { rounds += 1 }
      reportStall(since: turnStart)
      guard let patience = fallAsleep() else { break }
      let count = wait(&events, patience)
      state.withLock { $0.isAsleep = false }
      let eventStart = MonotonicInstant.now
      for event in events.prefix(count) {
        dispatch(event)
        // Whom it resumed goes on before the next answer is read, so that the server has the next query meanwhile.
        _ = runWork(&batch, executor)
      }
      // Not those that fell due since: what came meanwhile, for which nobody has looked yet, came in time for them.
      runTimers(dueAt: eventStart)
      reportStall(since: eventStart)
    }
    thread.store(0, ordering: .relaxed)
    let (waiters, stopHandlers, forgotten) = state.withLock { state in
      defer { (state.stopWaiters, state.handlers, state.stopHandlers, state.timers) = ([], [:], [:], TimerQueue()) }
      return (state.stopWaiters, state.stopHandlers.values, (state.handlers, state.timers))
    }
    for onStop in stopHandlers { onStop() }
    // Let go of here, not under the lock: what a closure held may call the loop when it goes.
    withExtendedLifetime(forgotten) {}
    for waiter in waiters { waiter.resume() }
  }

  /// Runs what is queued, but not what is queued by that. False when there was nothing.
  private func runWork(_ batch: inout [Work], _ executor: UnownedTaskExecutor) -> Bool {
    state.withLock { swap(&batch, &$0.work) }
    guard !batch.isEmpty else { return false }
    for (index, work) in batch.enumerated() {
      remaining.store(batch.count - index - 1, ordering: .relaxed)
      switch work {
      case .job(let job): job.runSynchronously(on: executor)
      case .closure(let closure): closure()
      }
    }
    batch.removeAll(keepingCapacity: true)
    return true
  }

  private func runTimers(dueAt now: MonotonicInstant) {
    while let work = state.withLock({ $0.timers.popDue(now) }) { work() }
  }

  /// How long the thread may wait in the kernel; nil once it should end.
  private func fallAsleep() -> Duration?? {
    state.withLock { state -> Duration?? in
      if !state.work.isEmpty { return .some(.zero) }
      if state.isStopping {
        state.isStopped = true
        return nil
      }
      state.isAsleep = true
      guard let deadline = state.timers.nextDeadline else { return .some(nil) }
      return .some(max(.zero, deadline - .now))
    }
  }

  private func wait(_ events: inout [epoll_event], _ patience: Duration?) -> Int {
    if configuration.busyPoll > .zero, patience != .zero {
      let end = MonotonicInstant.now + configuration.busyPoll
      repeat {
        let count = epoll_wait(epoll, &events, Int32(events.count), 0)
        if count > 0 { return Int(count) }
      } while MonotonicInstant.now < end && state.withLock { $0.work.isEmpty }
    }
    // Rounded up, since waking a hair early only means another turn; a minute at most, which costs nothing.
    let milliseconds = patience.map { Int32(min(60_000, ($0 / .milliseconds(1)).rounded(.up))) } ?? -1
    var count = epoll_wait(epoll, &events, Int32(events.count), milliseconds)
    // A process that is stopped for a while and goes on finds timers that are due and answers that were there before: the
    // answers come first.
    if count < 0 { count = epoll_wait(epoll, &events, Int32(events.count), 0) }
    return max(0, Int(count))
  }

  private func dispatch(_ event: epoll_event) {
    if event.data.u64 == Self.wakeToken {
      var count: UInt64 = 0
      read(wakeDescriptor, &count, MemoryLayout.size(ofValue: count))
    } else if let handler = state.withLock({ $0.handlers[event.data.u64] }) {
      handler(Readiness(epollEvents: event.events))
    }
  }

  private func wake() {
    var one: UInt64 = 1
    write(wakeDescriptor, &one, MemoryLayout.size(ofValue: one))
  }

  private func reportStall(since start: MonotonicInstant) {
    guard let onStall = configuration.onStall else { return }
    let length = MonotonicInstant.now - start
    if length >= configuration.stallThreshold { onStall(length) }
  }
}
