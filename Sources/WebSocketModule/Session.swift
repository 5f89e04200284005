internal import EventLoop
internal import Glibc
internal import HTTPServer
internal import Synchronization

/// One WebSocket: its socket, its frames and its end. What the application does with it is `SessionInbox`'s part.
///
/// - Note: `@unchecked Sendable` because the loop's closures hold it. All of it is touched on the loop's thread alone.
final class Session: @unchecked Sendable {
  private enum Phase {
    /// Messages go both ways. → saidGoodbye, lingering, closed
    case open
    /// Our close frame is sent, the client's is waited for. → lingering, closed
    case saidGoodbye
    /// The client broke the protocol and was told. What it still sends is thrown away, so that it gets to read that, until
    /// it closes or its time is up. → closed
    case lingering
    case closed
  }

  /// The most that is read in one go, so that a client that never stops sending does not keep the others waiting.
  private static let readLimit = 64 << 10
  /// What the socket is given at once.
  private static let writeSize = 64 << 10

  let client: HubClient
  private let hub: Hub
  private let connection: HTTPUpgradedConnection
  private let seat: Seat
  private let inbox: SessionInbox
  private let frames: Frames
  private var phase = Phase.open
  private var registration: Registration?
  private var interest: Interest = .read
  /// Read by the HTTP server together with the request.
  private var early: ArraySlice<UInt8>
  private var output: [UInt8] = []
  private var outputStart = 0
  private var lastHeard = ContinuousClock.now
  private var pingedAt: ContinuousClock.Instant?
  private var goodbyeAt: ContinuousClock.Instant?
  /// How much may be read in this go.
  private var budget = 0

  init(_ client: HubClient, _ connection: HTTPUpgradedConnection, _ seat: Seat, hub: Hub, _ handlers: SessionHandlers) {
    self.client = client
    self.connection = connection
    self.seat = seat
    self.hub = hub
    early = connection.received[...]
    inbox = SessionInbox(client, hub: hub, handlers, loop: connection.loop)
    frames = Frames(maxMessageBytes: hub.configuration.maxMessageBytes)
  }

  // MARK: Beginning

  func begin() {
    var one: Int32 = 1
    // Messages are small and somebody waits for them. Fails on what is not TCP, where it does not matter.
    setsockopt(connection.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    frames.source = { [unowned self] in read(into: $0) }
    frames.onMessage = { [unowned self] in received($0) }
    client.setFlush { [weak self] in self?.flush() }
    inbox.onRoom = { [weak self] in self?.readAgain() }
    connection.onStop = { [client] in client.close(.goingAway, reason: "the server is stopping") }
    connection.onCutOff = { [weak self] in if let self { finish(ending) } }
    hub.counters.opened.add(1, ordering: .relaxed)
    hub.counters.connections.add(1, ordering: .relaxed)
    do {
      registration = try connection.loop.register(connection.descriptor, .read) { [self] in ready($0) }
    } catch {
      return finish(.abnormal)
    }
    hub.keeper(on: connection.loop).add(self)
    inbox.put(.opened)
    if !early.isEmpty { read() }
  }

  // MARK: Reading

  private func ready(_ readiness: Readiness) {
    guard phase != .closed else { return }
    if readiness.contains(.write) {
      // It takes what it is sent: it is there, and what it has to answer may still be behind that.
      if phase == .open { (lastHeard, pingedAt, goodbyeAt) = (.now, nil, nil) }
      // Room for answers may be what the rest of the early bytes waits for.
      early.isEmpty ? flush() : read()
    }
    // Told again and again until somebody heeds it, also while we do not read. What is older than our not reading may have
    // something to read before that.
    if !readiness.isDisjoint(with: [.hangUp, .error]), !interest.contains(.read), !readiness.contains(.read) {
      return finish(frames.closeReceived ?? .abnormal)
    }
    if readiness.contains(.read) || readiness.contains(.hangUp) {
      if phase == .lingering { discard() } else { read() }
    } else if readiness.contains(.error) {
      finish(.abnormal)
    }
  }

  private func readAgain() {
    guard phase == .open || phase == .saidGoodbye else { return }
    read()
  }

  private func read() {
    repeat {
      guard phase == .open || phase == .saidGoodbye else { return }
      budget = Self.readLimit
      guard frames.receive() else { return finish(frames.closeReceived ?? .abnormal) }
      flush()
      // The socket will not tell of what came before it was ours.
    } while !early.isEmpty && isReceptive
    watch()
  }

  /// Whether there is any use in reading.
  private var isReceptive: Bool { frames.isReading && !inbox.isFull && !frames.isCongested }

  /// Bytes for the frames, as many as there are now.
  private func read(into buffer: UnsafeMutableRawBufferPointer) -> Frames.Input {
    // A handler that was called for the message before has sent something, and that was the end: the descriptor is
    // somebody else's by now.
    guard phase == .open || phase == .saidGoodbye else { return .end }
    if inbox.isFull || frames.isCongested { return .later }
    if !early.isEmpty {
      let count = min(buffer.count, early.count)
      buffer.copyBytes(from: early.prefix(count))
      early = count == early.count ? [] : early.dropFirst(count)
      return .bytes(count)
    }
    guard budget > 0 else { return .later }
    let count = recv(connection.descriptor, buffer.baseAddress, buffer.count, 0)
    if count > 0 {
      budget -= count
      lastHeard = .now
      pingedAt = nil
      return .bytes(count)
    }
    if count < 0, errno == EAGAIN || errno == EINTR { return .later }
    return .end
  }

  private func received(_ message: WebSocketMessage) {
    guard phase == .open else { return }
    hub.counters.received(message)
    inbox.put(.message(message))
  }

  /// Throws away what a client says after the end.
  private func discard() {
    withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 1) { buffer in
      for _ in 0..<4 {
        let count = recv(connection.descriptor, buffer.baseAddress, buffer.count, 0)
        if count > 0 { continue }
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        return finish(ending)
      }
    }
  }

  // MARK: Writing

  /// Sends what waits, as far as the client takes it.
  private func flush() {
    guard phase == .open || phase == .saidGoodbye else { return }
    client.flushBegins()
    repeat {
      guard fill() else { return finish(.abnormal) }
      guard write() else { return finish(.abnormal) }
    } while output.isEmpty && (frames.wantsToSend || fillsAgain())
    endIfThrough()
    watch()
  }

  /// Whether there is more to write now that the socket took everything.
  private func fillsAgain() -> Bool {
    guard !frames.isEnding, let next = client.next() else { return false }
    queue(next)
    return true
  }

  /// Turns messages into frames, up to a piece that is worth a system call. False when there is no memory.
  private func fill() -> Bool {
    while output.count < Self.writeSize {
      if !frames.wantsToSend {
        guard !frames.isEnding, let next = client.next() else { return true }
        queue(next)
      }
      guard frames.send(into: &output, limit: Self.writeSize) else { return false }
    }
    return true
  }

  private func queue(_ next: Outbox.Next) {
    switch next {
    case .message(let message):
      if frames.queue(message) { hub.counters.sent(bytes: message.byteCount) }
    case .goodbye(let code, let reason):
      frames.queueClose(code, reason: reason)
    }
  }

  /// Gives the socket what it takes. False when it is broken.
  private func write() -> Bool {
    while outputStart < output.count {
      let count = output.withUnsafeBytes { bytes in
        send(
          connection.descriptor, bytes.baseAddress?.advanced(by: outputStart), bytes.count - outputStart,
          Int32(MSG_NOSIGNAL))
      }
      if count < 0 {
        if errno == EINTR { continue }
        return errno == EAGAIN
      }
      outputStart += count
    }
    // Let go of: thousands of idle clients must not keep thousands of buffers.
    (output, outputStart) = ([], 0)
    return true
  }

  // MARK: Watching

  /// Tells the loop what to wait for.
  private func watch() {
    guard phase != .closed else { return }
    var wanted: Interest = []
    // What nobody reads would be told again and again.
    if phase == .lingering || isReceptive { wanted.insert(.read) }
    if !output.isEmpty { wanted.insert(.write) }
    guard wanted != interest else { return }
    interest = wanted
    do { try registration?.update(wanted) } catch { finish(.abnormal) }
  }

  /// One look now and then: is the client still there, is its time up?
  func look(at now: ContinuousClock.Instant) {
    let configuration = hub.configuration
    switch phase {
    case .open:
      // A goodbye that cannot be sent since the client takes nothing.
      if client.closingCode != nil || frames.isEnding {
        goodbyeAt = goodbyeAt ?? now
        if let goodbyeAt, now - goodbyeAt >= configuration.closeTimeout { return finish(ending) }
      }
      if inbox.isFull {
        // We do not listen, so that its silence means nothing.
        (lastHeard, pingedAt) = (now, nil)
      } else if let pingedAt {
        if now - pingedAt >= configuration.pongTimeout { finish(.abnormal) }
      } else if now - lastHeard >= configuration.pingInterval {
        pingedAt = now
        frames.queuePing()
        flush()
      }
    case .saidGoodbye, .lingering:
      if let goodbyeAt, now - goodbyeAt >= configuration.closeTimeout { finish(ending) }
    case .closed:
      break
    }
  }

  // MARK: Ending

  /// The code that tells why it ended: the client's, or ours if it did not say.
  private var ending: WebSocketCloseCode {
    frames.closeReceived ?? frames.closeSent ?? client.closingCode ?? .abnormal
  }

  private func endIfThrough() {
    guard frames.closeSent != nil, output.isEmpty, phase == .open || phase == .saidGoodbye else { return }
    goodbyeAt = goodbyeAt ?? .now
    if frames.closeReceived != nil { return finish(ending) }
    // The client broke the protocol: nothing it says counts.
    if !frames.isReading {
      phase = .lingering
      shutdown(connection.descriptor, Int32(SHUT_WR))
    } else {
      phase = .saidGoodbye
    }
  }

  private func finish(_ code: WebSocketCloseCode) {
    guard phase != .closed else { return }
    phase = .closed
    registration?.cancel()
    connection.close()
    client.end()
    hub.keeper(on: connection.loop).remove(self)
    hub.counters.connections.subtract(1, ordering: .relaxed)
    seat.leave()
    hub.counters.closed(code)
    inbox.onRoom = nil
    inbox.put(.closed(code))
  }
}
