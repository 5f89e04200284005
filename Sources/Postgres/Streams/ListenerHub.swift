internal import EventLoop
internal import MonotonicTime
internal import StructuredLogging
internal import Synchronization

/// The listeners of a pool, and the one connection that they share: made for the first of them, closed with the last.
/// ``ListenStateMachine`` decides; one task at a time connects and sends its commands, one batch after the other.
final class ListenerHub: Sendable {
  private typealias Machine = ListenStateMachine<ListenerMailbox>

  private struct State {
    var machine = Machine()
    /// The task of the session, or of the last one.
    var task: Task<Void, Never>?
    var bell: AsyncStream<Void>.Continuation?
    /// The one that listens now.
    var connection: PostgresConnection?
  }

  /// Commands sent at once; each batch has its own time to be answered.
  private static let batchSize = 512
  private static let pauses = Duration.milliseconds(50)...Duration.seconds(2)

  private let options: ConnectOptions
  private let beforeConnect: (@Sendable (inout ConnectOptions) async throws -> Void)?
  private let loop: EventLoop
  private let logger: Logger
  private let tracer: (any QueryTracer)?
  private let state = Mutex(State())

  init(_ configuration: PostgresPool.Configuration, _ loop: EventLoop, _ logger: Logger, _ tracer: (any QueryTracer)?) {
    var options = configuration.connect
    // LISTEN needs no types; and as each is sent once, there is no use in preparing it.
    options.types = []
    if options.statementCacheMode == .prepare { options.statementCacheMode = .describe }
    self.options = options
    beforeConnect = configuration.hooks.beforeConnect
    self.loop = loop
    self.logger = logger
    self.tracer = tracer
  }

  // MARK: Listeners

  func subscribe(to channels: [String], isAgain: Bool) -> ListenerSubscription {
    let mailbox = ListenerMailbox(isAgain: isAgain)
    let id = act { machine in machine.begin(channels, mailbox) }
    return ListenerSubscription(hub: self, id: id, mailbox: mailbox)
  }

  func unsubscribe(_ id: Int) {
    act { machine in ((), machine.end(id)) }
  }

  /// Ends every listener, and takes no more.
  func close() {
    act { machine in ((), machine.close(PostgresError(.closed, "the pool is closed"))) }
  }

  /// Waits until the connection is gone, of a hub that is closed.
  func closed(deadline: ContinuousClock.Instant?) async {
    guard let task = state.withLock({ $0.task }) else { return }
    // One for each who waits, for who gives up finishes it.
    let (end, ending) = AsyncStream.makeStream(of: Void.self)
    Task.detached {
      await task.value
      ending.finish()
    }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { for await _ in end {} }
      if let deadline { group.addTask { try? await Task.sleep(until: deadline, clock: .continuous) } }
      await group.next()
      group.cancelAll()
    }
  }

  /// Has another connection made: the server may be another.
  func reconnect() {
    state.withLock { $0.connection }?.giveUp("the pool was reset")
  }

  private func deliver(_ notifications: [PostgresNotification], in session: Int) {
    for notification in notifications {
      let name = ChannelName(notification.channel)
      let mailboxes = state.withLock { $0.machine.receivers(of: name, in: session) }
      for mailbox in mailboxes { mailbox.change { $0.take(notification) }?.resume() }
    }
  }

  // MARK: Acting

  /// Lets the machine decide, and does what it says.
  @discardableResult
  private func act<Result>(_ event: (inout Machine) -> (Result, Machine.Effects)) -> Result {
    var waiters: [ListenerMailbox.Waiter] = []
    var toCancel: Task<Void, Never>?
    var toRing: AsyncStream<Void>.Continuation?
    let result = state.withLock { state in
      let (result, effects) = event(&state.machine)
      // Under the lock, so that no mailbox is opened by one thread after another has interrupted it.
      waiters += effects.interrupted.compactMap { mailbox in mailbox.change { $0.interrupt() } }
      waiters += effects.opened.compactMap { mailbox in mailbox.change { $0.open() } }
      waiters += effects.failed.compactMap { mailbox, error in mailbox.change { $0.fail(error) } }
      switch effects.session {
      case .none: break
      case .start(let session): start(session, &state)
      case .wake: toRing = state.bell
      case .stop: toCancel = state.task
      }
      return result
    }
    for waiter in waiters { waiter.resume() }
    toRing?.yield()
    toCancel?.cancel()
    return result
  }

  private func start(_ session: Int, _ state: inout State) {
    let (bells, bell) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    state.bell = bell
    // Detached: it serves others than who happened to come first.
    state.task = Task.detached { [self, previous = state.task] in
      // One connection at a time.
      await previous?.value
      await run(session, bells, bell)
    }
  }

  // MARK: The session's task

  /// Connects, again and again, until the last listener has gone.
  private func run(_ session: Int, _ bells: AsyncStream<Void>, _ bell: AsyncStream<Void>.Continuation) async {
    var bells = bells.makeAsyncIterator()
    var outage = Outage()
    var pause = Self.pauses.lowerBound
    while !Task.isCancelled {
      let start = MonotonicInstant.now
      var isEstablished = false
      do {
        let connection = try await connect(session, bell)
        try await withTaskCancellationHandler {
          try await hold(connection, session, &bells) {
            isEstablished = true
            log(outage.succeeded(at: .now))
          }
        } onCancel: {
          // At once, whatever is under way.
          connection.giveUp("nobody listens any more")
        }
      } catch {
        guard !Task.isCancelled else { return }
        let isPermanent = (error as? PostgresError)?.isPermanent == true
        let goesOn = act { machine in
          let (effects, goesOn) = machine.disconnected(error, isPermanent: isPermanent, in: session)
          return (goesOn, effects)
        }
        guard goesOn else { return }
        if !isEstablished { log(outage.failed(at: .now), error) }
      }
      // A server that takes connections and drops them again is no reason to hurry.
      if isEstablished, MonotonicInstant.now - start > Self.pauses.upperBound { pause = Self.pauses.lowerBound }
      try? await Task.sleep(for: pause * Double.random(in: 0.5..<1))
      pause = min(pause * 2, Self.pauses.upperBound)
    }
  }

  private func connect(_ session: Int, _ bell: AsyncStream<Void>.Continuation) async throws -> PostgresConnection {
    try await tracer.connecting {
      var options = options
      try await beforeConnect?(&options)
      let connection = try await PostgresConnection.connect(
        options, loop: loop, logger: logger, tracer: tracer, onEnd: { bell.yield() }, catalogue: SharedTypeCatalogue())
      connection.setNotificationHandler { [weak self] in self?.deliver($0, in: session) }
      return connection
    }
  }

  /// Tells the server what there is to tell, until the connection is lost or the task cancelled.
  private func hold(
    _ connection: PostgresConnection, _ session: Int, _ bells: inout AsyncStream<Void>.Iterator,
    onEstablished: () -> Void
  ) async throws {
    async let _: Void = ping(connection)
    state.withLock { $0.connection = connection }
    defer {
      state.withLock { $0.connection = nil }
      connection.giveUp("it listens no more")
    }
    act { machine in ((), machine.connected(in: session)) }
    while true {
      let commands = state.withLock { $0.machine.commands(atMost: Self.batchSize, in: session) }
      let answers = await send(commands, on: connection)
      guard connection.isOpen else {
        throw answers.lazy.compactMap(\.error).first
          ?? PostgresError(.connectionLost, "the connection that listened was lost")
      }
      let refusal = act { machine in
        let (effects, refusal) = machine.completed(answers, in: session)
        return (refusal, effects)
      }
      if let refusal { throw refusal }
      onEstablished()
      if commands.isEmpty, await bells.next() == nil { return }
    }
  }

  /// Sends commands in one go; each has its own outcome.
  private func send(
    _ commands: [Machine.Command], on connection: PostgresConnection
  ) async -> [(command: Machine.Command, error: (any Error)?)] {
    guard !commands.isEmpty else { return [] }
    return await withTaskGroup(of: (Machine.Command, (any Error)?).self) { group in
      for command in commands {
        group.addTask {
          do {
            // Not cancelled: that would send a cancel request, and the connection is closed then anyway. To be heard is a
            // part of connecting.
            _ = try await connection.run(command.sql, isCancellable: false, patience: self.options.connectTimeout)
            return (command, nil)
          } catch {
            return (command, error)
          }
        }
      }
      return await group.reduce(into: []) { answers, answer in answers.append((answer.0, answer.1)) }
    }
  }

  /// A server that is gone without a word would otherwise be waited for without end.
  private func ping(_ connection: PostgresConnection) async {
    while (try? await Task.sleep(for: PostgresListener.pingPeriod)) != nil { try? await connection.ping(.seconds(5)) }
  }

  private func log(_ line: Outage.Line?, _ error: (any Error)? = nil) {
    // Of a server the message alone: it names no values.
    let reason = (error as? PostgresError)?.message ?? error.map { "\(type(of: $0))" } ?? ""
    switch line {
    case nil: if error != nil { logger.debug("cannot listen", ["error": .string(reason)]) }
    case .begun: logger.warning("cannot listen", ["error": .string(reason)])
    case .lasting(let attempts, let time):
      logger.warning(
        "still cannot listen",
        ["for": .duration(time), "attempts": .integer(attempts), "error": .string(reason)])
    case .over(let attempts, let time):
      logger.notice("listening again", ["after": .duration(time), "failed_attempts": .integer(attempts)])
    }
  }
}

/// One listener's place in the hub, for as long as somebody holds it.
final class ListenerSubscription: Sendable {
  private let hub: ListenerHub
  private let id: Int?
  private let mailbox: ListenerMailbox

  init(hub: ListenerHub, id: Int?, mailbox: ListenerMailbox) {
    self.hub = hub
    self.id = id
    self.mailbox = mailbox
  }

  deinit { if let id { hub.unsubscribe(id) } }

  func next() async throws -> PostgresListener.Element { try await mailbox.next() }
}

extension ListenStateMachine.Command {
  fileprivate var sql: SQL {
    switch self {
    case .listen(let name): "LISTEN \(identifier: name.text)"
    case .unlisten(let name): "UNLISTEN \(identifier: name.text)"
    }
  }
}
