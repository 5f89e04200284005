/// Who listens to what over the one listening connection of a pool, and what the server is to be told of it. A value:
/// each event returns its effects, and whoever holds it acts on them.
///
/// A session is the time from the first listener to the last, over as many connections as it takes. What comes from the
/// task of an earlier session is ignored.
struct ListenStateMachine<Receiver> {
  enum Command: Hashable, Sendable {
    case listen(ChannelName)
    case unlisten(ChannelName)
  }

  struct Effects {
    /// They listen (again): what comes from now on arrives.
    var opened: [Receiver] = []
    /// They listened, and do not for now.
    var interrupted: [Receiver] = []
    /// They are no listeners any more.
    var failed: [(receiver: Receiver, error: any Error)] = []
    var session = SessionEffect.none
  }

  enum SessionEffect: Equatable {
    case none
    /// The first listener has come: to connect.
    case start(session: Int)
    /// There are commands to send.
    case wake
    /// The last one has gone: the connection is to be closed.
    case stop
  }

  private enum Phase {
    /// Nobody listens. Goes on to connecting.
    case idle
    /// There is no connection, and one is being made, or will be after a pause. Goes on to subscribing.
    case connecting
    /// The connection is there, and has answered no command yet. Goes on to established, or back to connecting.
    case subscribing
    /// The server does as it is told. Goes back to connecting when the connection is lost.
    case established
    /// For good.
    case closed(any Error)
  }

  private struct Listener {
    let receiver: Receiver
    let channels: Set<ChannelName>
    /// Channels that the server has not been told of.
    var missing: Set<ChannelName>
    /// What comes on its channels arrives.
    var isOpen = false
    /// It has been open before: an outage is waited for. Who begins in one is told of it.
    var hasListened = false
  }

  private struct Channel {
    enum State {
      /// The server knows nothing of it. Goes on to asked.
      case silent
      /// LISTEN is under way. Goes on to heard, or back to silent.
      case asked
      /// The server tells what is sent on it. Goes on to leaving.
      case heard
      /// UNLISTEN is under way. Goes on to silent.
      case leaving
    }

    var state = State.silent
    var listeners: Set<Int> = []
  }

  private var phase = Phase.idle
  private var session = 0
  private var nextID = 0
  private var listeners: [Int: Listener] = [:]
  private var channels: [ChannelName: Channel] = [:]
  /// Channels of which the server is to be told something: silent ones with listeners, heard ones without.
  private var unsettled: Set<ChannelName> = []

  // MARK: Listeners

  /// Somebody wants to listen. Nil when that is refused, and then it is among those that failed.
  mutating func begin(_ names: [String], _ receiver: Receiver) -> (id: Int?, effects: Effects) {
    var effects = Effects()
    if case .closed(let error) = phase {
      effects.failed = [(receiver, error)]
      return (nil, effects)
    }
    let id = nextID
    nextID += 1
    let names = Set(names.map { ChannelName($0) })
    let missing = names.filter { channels[$0]?.state != .heard }
    listeners[id] = Listener(receiver: receiver, channels: names, missing: missing)
    for name in names {
      channels[name, default: Channel()].listeners.insert(id)
      settle(name)
    }
    switch phase {
    case .idle:
      phase = .connecting
      session += 1
      effects.session = .start(session: session)
    case .subscribing, .established:
      openIfComplete(id, &effects)
      if !missing.isEmpty { effects.session = .wake }
    case .connecting, .closed: break
    }
    return (id, effects)
  }

  /// A listener has gone; one that failed may have gone already.
  mutating func end(_ id: Int) -> Effects {
    var effects = Effects()
    guard remove(id) != nil else { return effects }
    if listeners.isEmpty {
      becomeIdle()
      effects.session = .stop
    } else if !unsettled.isEmpty {
      effects.session = .wake
    }
    return effects
  }

  /// The pool is closed.
  mutating func close(_ error: any Error) -> Effects {
    var effects = Effects()
    if case .closed = phase { return effects }
    effects.session = .stop
    for id in listeners.keys { fail(id, error, &effects) }
    becomeIdle()
    phase = .closed(error)
    return effects
  }

  /// Who is to be told of what comes on a channel.
  func receivers(of name: ChannelName, in session: Int) -> [Receiver] {
    guard isCurrent(session), let channel = channels[name] else { return [] }
    return channel.listeners.compactMap { listeners[$0]?.receiver }
  }

  // MARK: The session's task

  /// The connection is there.
  mutating func connected(in session: Int) -> Effects {
    var effects = Effects()
    guard isCurrent(session) else { return effects }
    phase = .subscribing
    // Who listens to nothing has all that it asks for.
    for id in listeners.keys { openIfComplete(id, &effects) }
    return effects
  }

  /// What to tell the server next; to be answered by ``completed(_:in:)`` or ``disconnected(_:isPermanent:in:)``. Those
  /// under way at the same time concern different channels.
  mutating func commands(atMost limit: Int, in session: Int) -> [Command] {
    guard isCurrent(session) else { return [] }
    var commands: [Command] = []
    while commands.count < limit, let name = unsettled.popFirst() {
      switch channels[name]?.state {
      case .silent:
        channels[name]?.state = .asked
        commands.append(.listen(name))
      case .heard:
        channels[name]?.state = .leaving
        commands.append(.unlisten(name))
      // Never among the unsettled: they are when the server has answered.
      case .asked, .leaving, nil: break
      }
    }
    return commands
  }

  /// The server has answered, on a connection that goes on. Also when there was nothing to tell it.
  ///
  /// - Returns: with the effects, why the connection is of no use: the server refuses what it took before, as a standby
  ///   does.
  mutating func completed(
    _ answers: [(command: Command, error: (any Error)?)], in session: Int
  ) -> (effects: Effects, refusal: (any Error)?) {
    var effects = Effects()
    guard isCurrent(session) else { return (effects, nil) }
    var refusal: (any Error)?
    for (command, error) in answers {
      switch (command, error) {
      case (.listen(let name), nil): isHeard(name, &effects)
      case (.listen(let name), let error?):
        channels[name]?.state = .silent
        let ids = channels[name]?.listeners ?? []
        for id in ids {
          if listeners[id]?.hasListened == true { refusal = error } else { fail(id, error, &effects) }
        }
        settle(name)
      case (.unlisten(let name), _):
        // If it was refused, what comes on the channel finds nobody.
        channels[name]?.state = .silent
        settle(name)
      }
    }
    if refusal == nil { phase = .established }
    if listeners.isEmpty {
      becomeIdle()
      effects.session = .stop
    }
    return (effects, refusal)
  }

  /// The connection is lost, or could not be made.
  ///
  /// - Parameter isPermanent: waiting does not mend it.
  /// - Returns: with the effects, whether to connect again.
  mutating func disconnected(
    _ error: any Error, isPermanent: Bool, in session: Int
  ) -> (effects: Effects, goesOn: Bool) {
    var effects = Effects()
    guard isCurrent(session) else { return (effects, false) }
    let isAttempt = if case .established = phase { false } else { true }
    phase = .connecting
    for name in channels.keys {
      channels[name]?.state = .silent
      settle(name)
    }
    for (id, listener) in listeners {
      if isAttempt, isPermanent || !listener.hasListened {
        fail(id, error, &effects)
      } else {
        if listener.isOpen { effects.interrupted.append(listener.receiver) }
        listeners[id]?.isOpen = false
        listeners[id]?.missing = listener.channels
      }
    }
    guard listeners.isEmpty else { return (effects, true) }
    becomeIdle()
    return (effects, false)
  }

  // MARK: In common

  private func isCurrent(_ session: Int) -> Bool {
    switch phase {
    case .idle, .closed: false
    case .connecting, .subscribing, .established: session == self.session
    }
  }

  private mutating func isHeard(_ name: ChannelName, _ effects: inout Effects) {
    channels[name]?.state = .heard
    for id in channels[name]?.listeners ?? [] {
      listeners[id]?.missing.remove(name)
      openIfComplete(id, &effects)
    }
    settle(name)
  }

  private mutating func openIfComplete(_ id: Int, _ effects: inout Effects) {
    guard let listener = listeners[id], listener.missing.isEmpty, !listener.isOpen else { return }
    listeners[id]?.isOpen = true
    listeners[id]?.hasListened = true
    effects.opened.append(listener.receiver)
  }

  private mutating func fail(_ id: Int, _ error: any Error, _ effects: inout Effects) {
    guard let listener = remove(id) else { return }
    effects.failed.append((listener.receiver, error))
  }

  private mutating func remove(_ id: Int) -> Listener? {
    guard let listener = listeners.removeValue(forKey: id) else { return nil }
    for name in listener.channels {
      channels[name]?.listeners.remove(id)
      settle(name)
    }
    return listener
  }

  /// Forgets a channel that nobody has to do with, and notes one of which the server is to be told something.
  private mutating func settle(_ name: ChannelName) {
    guard let channel = channels[name] else { return }
    switch (channel.state, isWanted: !channel.listeners.isEmpty) {
    case (.silent, false):
      channels[name] = nil
      unsettled.remove(name)
    case (.silent, true), (.heard, false): unsettled.insert(name)
    // Also when its last listener went and another came before the server was told.
    case (.heard, true): unsettled.remove(name)
    // Looked at again when the server has answered.
    case (.asked, _), (.leaving, _): break
    }
  }

  private mutating func becomeIdle() {
    phase = .idle
    listeners = [:]
    channels = [:]
    unsettled = []
  }
}
