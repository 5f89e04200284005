internal import CMicrohttpdShim
internal import EventLoop
internal import Glibc

/// The HTTP library in external epoll mode: its descriptor is nested in the loop, its callbacks come from there.
///
/// - Note: `@unchecked Sendable` because the loop's closures and the handlers' tasks hold it. Everything that changes is
///   touched on the loop's thread alone; `HTTPServer` goes there with every call.
final class Daemon: @unchecked Sendable {
  let configuration: HTTPServerConfiguration
  let loop: EventLoop
  let observer: any HTTPServerObserver
  /// No new connections: the requests that are under way are the last ones.
  private(set) var isDraining = false
  /// The last answers are going out: a request that is read now is refused, for nothing may be suspended any more.
  private(set) var isClosing = false
  private(set) var connections: [Connection] = []

  private let router: Router
  private let middleware: [any HTTPMiddleware]
  private var life = Life.idle
  private var options: UnsafeMutablePointer<keel_http_options>?
  private var library: OpaquePointer?
  /// The library's last words before it runs: why it does not.
  private var complaint: String?
  private var registration: Registration?
  private var runIsScheduled = false
  private var timer: (deadline: ContinuousClock.Instant, timer: EventLoop.Timer)?
  private var drainTimer: EventLoop.Timer?
  private var inFlight = 0
  private var upgraded: [ObjectIdentifier: HTTPUpgradedConnection] = [:]
  /// Upgraded connections whose bytes the library still moves, which is so with TLS.
  private var forwarded = 0
  private var isForwarding = false
  private var cutOffCount = 0
  private var sweeper = Sweeper()

  private enum Life {
    case idle
    case running(ListeningSocket)
    /// The calls of `stop` wait for the number of requests that were cut off.
    case stopping([@Sendable (Int) -> Void])
    case stopped(Int)
  }

  init(
    configuration: HTTPServerConfiguration, routes: [Route], middleware: [any HTTPMiddleware], loop: EventLoop,
    observer: any HTTPServerObserver
  ) throws(HTTPServerError) {
    try configuration.validate()
    router = try Router(routes, middleware: middleware)
    self.configuration = configuration
    self.middleware = middleware
    self.loop = loop
    self.observer = observer
  }

  // MARK: Starting

  func start() throws(HTTPServerError) -> HTTPServerAddress {
    guard case .idle = life else {
      throw HTTPServerError(.alreadyStarted, "the HTTP server was started before; make a new one to start again")
    }
    let socket = try ListeningSocket(configuration.address, backlog: configuration.backlog)
    let address = socket.address
    let options = makeOptions(listening: socket.descriptor)
    complaint = nil
    errno = 0
    guard let library = keel_http_start(options) else {
      var hint = HTTPServerError.hint(forErrno: errno)
      // In some of its failures the library closes the socket, in others it does not.
      socket.discard()
      free(options)
      if hint.isEmpty, configuration.tls != nil {
        hint = "; check that the certificate and the key are PEM text and belong together"
      }
      let cause = complaint.map { ": \($0)" } ?? ""
      throw HTTPServerError(.cannotStart, "cannot serve on \(address): libmicrohttpd refused to start\(cause)\(hint)")
    }
    self.options = options
    self.library = library
    life = .running(socket)
    do {
      registration = try loop.register(keel_http_epoll_descriptor(library), .read) { [unowned self] _ in run() }
    } catch {
      close(cutOff: 0)
      throw HTTPServerError(.cannotStart, "cannot serve on \(address): \(error)")
    }
    run()
    return address
  }

  private func makeOptions(listening descriptor: Int32) -> UnsafeMutablePointer<keel_http_options> {
    let options = UnsafeMutablePointer<keel_http_options>.allocate(capacity: 1)
    options.initialize(to: keel_http_options())
    options.pointee.listen_socket = descriptor
    options.pointee.connection_memory = configuration.connectionMemory
    options.pointee.connection_limit = UInt32(clamping: configuration.maxConnections)
    options.pointee.connections_per_ip = UInt32(clamping: configuration.maxConnectionsPerAddress)
    options.pointee.idle_seconds = UInt32(
      min((configuration.idleTimeout / .seconds(1)).rounded(.up), Double(UInt32.max)))
    if let tls = configuration.tls {
      options.pointee.tls_certificate = UnsafePointer(strdup(tls.certificateChain))
      options.pointee.tls_key = UnsafePointer(strdup(tls.privateKey))
      options.pointee.tls_priorities = UnsafePointer(strdup(tls.priorities))
    }
    options.pointee.context = Unmanaged.passRetained(self).toOpaque()
    Self.install(into: &options.pointee)
    return options
  }

  private func free(_ options: UnsafeMutablePointer<keel_http_options>) {
    Glibc.free(UnsafeMutableRawPointer(mutating: options.pointee.tls_certificate))
    Glibc.free(UnsafeMutableRawPointer(mutating: options.pointee.tls_key))
    Glibc.free(UnsafeMutableRawPointer(mutating: options.pointee.tls_priorities))
    options.deallocate()
    Unmanaged.passUnretained(self).release()
  }

  // MARK: Running

  /// Lets the library do what there is to do. Called when its descriptor is ready, when its time-out is over, and after
  /// a resume, which by itself does not make the descriptor ready.
  private func run() {
    guard let library else { return }
    runIsScheduled = false
    MHD_run(library)
    var milliseconds: UInt64 = 0
    guard MHD_get_timeout(library, &milliseconds) == .YES else { return }
    if milliseconds == 0 { scheduleRun() } else { setTimer(.milliseconds(milliseconds)) }
  }

  /// Runs once in the next round of the loop, however often it is called before.
  func scheduleRun() {
    guard !runIsScheduled else { return }
    runIsScheduled = true
    loop.execute { [self] in if runIsScheduled { run() } }
  }

  /// Time-outs move away as clients are active, so a timer that is too early is left alone: it costs one idle run.
  private func setTimer(_ delay: Duration) {
    let deadline = ContinuousClock.now.advanced(by: delay)
    if let timer {
      if timer.deadline <= deadline { return }
      timer.timer.cancel()
    }
    timer = (
      deadline,
      loop.schedule(after: delay) { [self] in
        timer = nil
        run()
      }
    )
  }

  func resume(_ connection: Connection) {
    connection.resume()
    scheduleRun()
  }

  // MARK: What the library tells

  func opened(_ connection: Connection) {
    connection.position = connections.count
    connections.append(connection)
    observer.connectionOpened(remoteAddress: connection.remoteAddress)
    sweeper.start(self)
  }

  func closed(_ connection: Connection) {
    connections.swapAt(connection.position, connections.count - 1)
    connections[connection.position].position = connection.position
    connections.removeLast()
    if connection.isForwarded { forwarded -= 1 }
    observer.connectionClosed(remoteAddress: connection.remoteAddress, requests: connection.requests)
    // At the cap, or out of descriptors, the library looks at its listening socket again only in its next run.
    scheduleRun()
  }

  func requestBegins(on connection: Connection, target: String?, size: Int) -> Exchange {
    let exchange = Exchange(daemon: self, connection: connection, target: target, size: size)
    connection.exchange = exchange
    connection.requests += 1
    return exchange
  }

  func libraryReported(_ message: String) {
    let text = message.last == "\n" ? String(message.dropLast()) : message
    if library == nil { complaint = text }
    observer.libraryReported(text)
  }

  func finishSweep(unwatched: Int) { sweeper.swept(self, unwatched: unwatched) }

  // MARK: What the exchanges tell

  func requestBegan() { inFlight += 1 }

  func requestSuspended() { sweeper.hurry(self) }

  func requestEnded() {
    inFlight -= 1
    closeWhenDrained()
  }

  private func closeWhenDrained() {
    guard isDrained else { return }
    // Not here: we are inside a callback of the library. It may go on to read a request on another connection, and that
    // one's end comes here too.
    loop.execute { [self] in if isDrained { close(cutOff: cutOffCount) } }
  }

  private var isDrained: Bool { isDraining && inFlight == 0 && upgraded.isEmpty }

  // MARK: Upgraded connections

  /// The library watches the two sides of a forwarded connection edge-triggered and misses room that comes up on one of
  /// them: half a megabyte took seconds. It is made to look, until the last of them is closed.
  private func forward() {
    isForwarding = forwarded > 0 && library != nil
    guard isForwarding else { return }
    run()
    loop.schedule(after: .milliseconds(2)) { [self] in forward() }
  }

  /// A connection has left HTTP behind. Without TLS its socket is ours: the library, which would keep all its memory for
  /// the connection, gets rid of its own copy. With TLS the library goes on to move bytes.
  func upgraded(
    _ connection: Connection, _ descriptor: Int32, received: [UInt8], giveBack: @escaping () -> Void,
    _ begin: @Sendable (HTTPUpgradedConnection) -> Void
  ) {
    var descriptor = descriptor
    var end = giveBack
    if configuration.tls != nil {
      end = {
        connection.leftover = (connection.unsent, .now)
        giveBack()
      }
      connection.isForwarded = true
      forwarded += 1
      if !isForwarding {
        isForwarding = true
        // Not here: we are inside a callback of the library.
        loop.execute { [self] in forward() }
      }
    } else {
      let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
      giveBack()
      scheduleRun()
      guard copy >= 0 else { return }
      descriptor = copy
      end = {
        // A child that is just being started may hold a copy: the client is to know now.
        shutdown(copy, Int32(SHUT_RDWR))
        Glibc.close(copy)
      }
    }
    let made = HTTPUpgradedConnection(
      descriptor: descriptor, received: received, remoteAddress: connection.remoteAddress, loop: loop)
    let id = ObjectIdentifier(made)
    made.end = { [self] in
      end()
      upgraded[id] = nil
      scheduleRun()
      closeWhenDrained()
    }
    upgraded[id] = made
    begin(made)
    if isDraining { made.onStop.take()?() }
  }

  // MARK: Routing

  /// What is to be done for a request.
  struct Plan {
    let endpoint: Endpoint
    /// The path, decoded.
    let path: String
    let parameters: HTTPParameters
  }

  func plan(_ method: HTTPMethod, target: String) -> Plan {
    let path = RequestPath.rawPath(of: target)
    switch router.match(method, rawPath: path) {
    case .endpoint(let endpoint, let values) where values.isEmpty:
      return Plan(endpoint: endpoint, path: decoded(path), parameters: HTTPParameters(route: endpoint.path ?? ""))
    case .endpoint(let endpoint, let values):
      let parameters = HTTPParameters(names: endpoint.parameterNames, values: values, route: endpoint.path ?? "")
      return Plan(endpoint: endpoint, path: decoded(path), parameters: parameters)
    case .otherMethods(let others):
      // The middleware of a group may ask for the places of its prefix.
      let parameters =
        others.middleware.isEmpty
        ? [:]
        : HTTPParameters(
          names: others.endpoint.parameterNames, values: others.values, route: others.endpoint.path ?? "")
      return plan(path, others.middleware.map(\.middleware), parameters) {
        guard method == .options else { throw HTTPError(.methodNotAllowed, headers: ["Allow": others.allow]) }
        return HTTPResponse(status: .noContent, headers: ["Allow": others.allow])
      }
    case .badPath where method == .options && path == "*":
      return plan(path) { HTTPResponse(status: .noContent) }
    case .badPath(let message):
      return refusal(message)
    case .notFound:
      return plan(path) { throw HTTPError(.notFound) }
    }
  }

  func refusal(_ message: String) -> Plan {
    plan("") { throw HTTPError(.badRequest, message) }
  }

  /// An answer of the server's own, inside its middleware and that of groups.
  private func plan(
    _ path: String, _ groups: [any HTTPMiddleware] = [], _ parameters: HTTPParameters = [:],
    _ answer: @escaping @Sendable () throws -> HTTPResponse
  ) -> Plan {
    let endpoint = Endpoint((middleware + groups).wrapping { _ in try answer() })
    return Plan(endpoint: endpoint, path: decoded(path), parameters: parameters)
  }

  private func decoded(_ path: String) -> String {
    guard path.utf8.contains(UInt8(ascii: "%")) else { return path }
    return (try? RequestPath(raw: path).decoded) ?? path
  }

  // MARK: Stopping

  /// Stops accepting, waits until the requests under way are answered, cuts off those that are not when `grace` is
  /// over, and closes everything. `done` gets the number of requests cut off.
  func stop(grace: Duration, _ done: @escaping @Sendable (Int) -> Void) {
    switch life {
    case .idle:
      life = .stopped(0)
      done(0)
    case .running(let socket):
      life = .stopping([done])
      isDraining = true
      stopAccepting(socket)
      for connection in Array(upgraded.values) { connection.onStop.take()?() }
      for connection in connections { connection.exchange?.serverStops() }
      if inFlight == 0, upgraded.isEmpty {
        close(cutOff: 0)
      } else {
        drainTimer = loop.schedule(after: grace) { [self] in cutOff() }
      }
    case .stopping(let others):
      life = .stopping(others + [done])
    case .stopped(let count):
      done(count)
    }
  }

  private func stopAccepting(_ socket: ListeningSocket) {
    let descriptor = MHD_quiesce_daemon(library)
    // While it still listens: afterwards the file may be that of a server that found ours to be stale.
    socket.removeFile()
    if descriptor >= 0 {
      // Between fork and exec a child holds a copy of every descriptor: closing ours alone would leave it listening.
      shutdown(descriptor, Int32(SHUT_RDWR))
      Glibc.close(descriptor)
    }
  }

  /// Closes at once, on the caller's thread, for the loop and its thread are gone. One caller at a time.
  ///
  /// - Returns: The number of requests cut off.
  func closeWithoutLoop() -> Int {
    switch life {
    case .idle:
      life = .stopped(0)
    case .running(let socket):
      life = .stopping([])
      isDraining = true
      stopAccepting(socket)
      cutOff()
    case .stopping:
      cutOff()
    case .stopped:
      break
    }
    guard case .stopped(let count) = life else { return cutOffCount }
    return count
  }

  private func cutOff() {
    guard library != nil else { return }
    isClosing = true
    cutOffCount = inFlight
    for connection in connections { connection.exchange?.cutOff() }
    // Two runs: one sends the answers, one lets broken sockets be noticed.
    run()
    run()
    close(cutOff: cutOffCount)
  }

  private func close(cutOff count: Int) {
    guard let library, let options else { return }
    for connection in Array(upgraded.values) { connection.cutOff() }
    registration?.cancel()
    timer?.timer.cancel()
    drainTimer?.cancel()
    sweeper.stop()
    // Stopping the library with suspended connections would end the process. None is left: a request that is suspended
    // is in flight, and all that were in flight have been answered or abandoned, which resumes them.
    self.library = nil
    MHD_stop_daemon(library)
    self.options = nil
    free(options)
    guard case .stopping(let waiters) = life else { return life = .stopped(count) }
    life = .stopped(count)
    for done in waiters { done(count) }
  }
}
