internal import EventLoop
internal import Glibc

/// Looks at all connections now and then, for what the library does not notice: clients that leave while their
/// connection is suspended, and requests that take for ever to arrive.
///
/// While a handler is at work the look comes ten times a second, else once. Most handlers are through before the first
/// one, so that this costs a busy server nothing per request.
struct Sweeper {
  /// `POLLRDHUP`, which the Glibc module leaves out.
  private static let peerClosed: Int16 = 0x2000
  private static let pace = (busy: Duration.milliseconds(100), idle: Duration.seconds(1))

  private var timer: EventLoop.Timer?
  private var isHurried = false

  /// Begins to look, unless it does already.
  mutating func start(_ daemon: Daemon) {
    if timer == nil { schedule(daemon) }
  }

  /// A connection was suspended: looks sooner.
  mutating func hurry(_ daemon: Daemon) {
    guard !isHurried else { return }
    isHurried = true
    timer?.cancel()
    schedule(daemon)
  }

  mutating func stop() {
    timer?.cancel()
    timer = nil
  }

  private mutating func schedule(_ daemon: Daemon) {
    timer = daemon.loop.schedule(after: isHurried ? Self.pace.busy : Self.pace.idle) { daemon.sweep() }
  }

  /// After a look: goes on while there are connections.
  mutating func swept(_ daemon: Daemon, unwatched: Int) {
    timer = nil
    isHurried = unwatched > 0
    if !daemon.connections.isEmpty { schedule(daemon) }
  }

  /// Which of the sockets were closed by the other side. One system call for all of them.
  static func closed(_ descriptors: [Int32]) -> [Bool] {
    var entries = descriptors.map { pollfd(fd: $0, events: peerClosed, revents: 0) }
    poll(&entries, nfds_t(entries.count), 0)
    return entries.map { $0.revents != 0 }
  }
}

extension Daemon {
  /// One look at all connections.
  func sweep() {
    abandonTheSlow()
    abandonTheStuck()
    let unwatched = connections.compactMap { connection in
      connection.exchange.flatMap { $0.state.isUnwatched ? (connection.descriptor, $0) : nil }
    }
    if !unwatched.isEmpty {
      for (isClosed, (_, exchange)) in zip(Sweeper.closed(unwatched.map(\.0)), unwatched) where isClosed {
        exchange.abandon(.clientGone)
      }
    }
    finishSweep(unwatched: unwatched.count)
  }

  private func abandonTheSlow() {
    guard configuration.readTimeout > .zero else { return }
    let limit = ContinuousClock.now.advanced(by: .zero - configuration.readTimeout)
    for connection in connections where connection.quietSince < limit {
      guard let exchange = connection.exchange else {
        connection.breakSocket()
        continue
      }
      if exchange.state == .receiving { exchange.abandon(.timedOut) }
    }
  }

  /// What is left of an upgraded connection the library sends without any time-out.
  private func abandonTheStuck() {
    guard configuration.idleTimeout > .zero else { return }
    let now = ContinuousClock.now
    for connection in connections {
      guard let leftover = connection.leftover else { continue }
      let unsent = connection.unsent
      if unsent != leftover.unsent {
        connection.leftover = (unsent, now)
      } else if now - leftover.since > configuration.idleTimeout {
        connection.breakSocket()
      }
    }
  }
}
