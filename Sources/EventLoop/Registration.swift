internal import CEpoll

/// What a handler wants to be told about.
public struct Interest: OptionSet, Sendable {
  /// The bits.
  public let rawValue: UInt8
  /// From bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// There is something to read, or the peer closed its side.
  public static let read = Interest(rawValue: 1)
  /// There is room to write.
  public static let write = Interest(rawValue: 2)

  var epollEvents: UInt32 {
    var events: UInt32 = 0
    if contains(.read) { events |= EPOLLIN.rawValue | EPOLLRDHUP.rawValue }
    if contains(.write) { events |= EPOLLOUT.rawValue }
    return events
  }
}

/// What a descriptor is ready for.
public struct Readiness: OptionSet, Sendable {
  /// The bits.
  public let rawValue: UInt8
  /// From bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// There is something to read.
  public static let read = Readiness(rawValue: 1)
  /// There is room to write.
  public static let write = Readiness(rawValue: 2)
  /// The peer closed its side; what it sent before can still be read.
  public static let hangUp = Readiness(rawValue: 4)
  /// The descriptor has an error; reading it tells which. Reported whatever the interest.
  public static let error = Readiness(rawValue: 8)

  init(epollEvents events: UInt32) {
    var readiness: Readiness = []
    if events & EPOLLIN.rawValue != 0 { readiness.insert(.read) }
    if events & EPOLLOUT.rawValue != 0 { readiness.insert(.write) }
    if events & (EPOLLHUP.rawValue | EPOLLRDHUP.rawValue) != 0 { readiness.insert(.hangUp) }
    if events & EPOLLERR.rawValue != 0 { readiness.insert(.error) }
    self = readiness
  }
}

/// A watched descriptor. See ``EventLoop/register(_:_:_:)``.
public struct Registration: Sendable {
  let loop: EventLoop
  let descriptor: Int32
  let token: UInt64

  /// Watches for something else from now on; an empty interest still reports errors and hang-ups.
  ///
  /// - Throws: ``EventLoopError`` when the descriptor was closed behind the loop's back.
  public func update(_ interest: Interest) throws(EventLoopError) {
    try loop.update(descriptor, interest, token: token)
  }

  /// Ends the watch. On the loop's thread no call of the handler begins afterwards; from another thread one may be
  /// under way. Safe to call twice.
  public func cancel() {
    loop.deregister(descriptor, token: token)
  }
}
