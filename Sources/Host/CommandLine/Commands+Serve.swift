internal import AppConfiguration
internal import Container
internal import EventLoop
internal import FoundationEssentials
internal import HTTPServer
internal import StructuredLogging

extension Commands {
  /// Runs the app until a signal, and tells how it went down.
  ///
  /// - Parameter read: Gathers the configuration once more, for SIGHUP.
  func serve(
    _ configuration: Configuration, _ catalogs: [SettingsCatalog], read: @escaping @Sendable () throws -> Configuration
  ) async throws -> ExitCode {
    let log = try LogSettings(configuration)
    let logger = log.logger(Application.name)
    do {
      try await serve(configuration, catalogs, log, logger, read: read)
    } catch  where log.format == .json {
      // What reads the log reads no text between its lines, and this is the line that it is read for.
      logger.critical("failed", ["error": .string(Failure.message(of: error))])
      return .failure
    }
    return .success
  }

  private func serve(
    _ configuration: Configuration, _ catalogs: [SettingsCatalog], _ log: LogSettings, _ logger: Logger,
    read: @escaping @Sendable () throws -> Configuration
  ) async throws {
    try configuration.checkIsComplete(catalogs)
    let settings = try HostSettings(configuration)
    let timeline = ShutdownTimeline(settings.shutdown)
    logger.info("starting", ["version": .string(Application.version)])
    for variable in configuration.misspelledVariables(catalogs) {
      logger.warning(
        "an environment variable is no setting's",
        ["variable": .string(variable.name), "did_you_mean": .string(variable.meant)])
    }
    let descriptors = DescriptorLimit.raised()
    if descriptors.clients < settings.http.maxConnections {
      logger.warning(
        "fewer clients than host.max_connections, so as to keep descriptors for the program itself",
        ["clients": .integer(descriptors.clients), "descriptors": .integer(Int(clamping: descriptors.count))])
    }
    // Found out now and not after the migrations.
    for server in [settings.http, settings.adminHTTP].compactMap({ $0 }) { try server.address.checkAvailable() }

    let reload = Reload(configuration, catalogs, logger: logger, read: read)
    let service = Service(ServiceNotifier(environment: ProcessInfo.processInfo.environment))
    let hangUp = SignalTrap.hangUp.subscribe { _ in service.reload(reload) }
    defer { hangUp.cancel() }

    let app = app(configuration, logger: logger, observers: [timeline])
    var code = ExitCode.failure
    defer { tell(timeline, code, log.format, logger) }
    for note in try app.validate().notes { logger.warning("the graph may be wrong", ["note": .string(note)]) }
    let watchdog = service.watch(app)
    defer { watchdog?.cancel() }
    let start = ContinuousClock.now
    try await app.run {
      // Nothing is thrown here and below: an app that runs has built what it asks for.
      try? await app.get(Readiness.self).becomeReady()
      logger.info("ready", ["took": .duration(.now - start)])
      service.ready()
    } beforeStop: { reason in
      timeline.begin(reason)
      logger.info("stopping", ["reason": .string("\(reason)")])
      service.stopping("\(reason)")
      try? await windDown(app, settings.shutdown, timeline)
    }
    code = .success
  }

  /// The part of a stop during which everything still runs: nothing new comes in, what has come in is finished.
  func windDown(_ app: App, _ budget: ShutdownBudget, _ timeline: ShutdownTimeline) async throws {
    let readiness: Readiness = try await app.get()
    let server: HTTPServer = try await app.get()
    await timeline.measure("unready") {
      // It may wait for a check of health, and that for the loop.
      let isTold: Void? = await answer(within: .seconds(1)) { await readiness.becomeUnready() }
      return isTold == nil ? "not yet: a check of health blocks" : nil
    }
    if budget.drain > .zero {
      await timeline.measure("drain delay", budget: budget.drain) {
        try? await Task.sleep(for: budget.drain)
        return nil
      }
    }
    await timeline.measure("requests", budget: budget.requests) {
      // Little more than its time, and so is the whole: on a loop that is held up for good it has no end.
      let limit = budget.requests + .milliseconds(500)
      guard let cutOff = await answer(within: limit, { await server.stop(grace: budget.requests) }) else {
        return "not ended: the event loop does not answer, a handler blocks"
      }
      return cutOff == 0 ? "all finished" : "\(cutOff) cut off"
    }
  }

  /// What `body` returns, or nil when it has not by then.
  private func answer<Answer: Sendable>(
    within limit: Duration, _ body: @escaping @Sendable () async -> Answer
  ) async -> Answer? {
    let (answers, channel) = AsyncStream.makeStream(of: Answer?.self)
    Task { channel.yield(await body()) }
    let waiting = Task {
      try await Task.sleep(for: limit)
      channel.yield(nil)
    }
    defer { waiting.cancel() }
    // In a task of its own: in one that was cancelled nothing would be waited for.
    return await Task {
      for await answer in answers { return answer }
      return nil
    }.value
  }

  private func tell(_ timeline: ShutdownTimeline, _ code: ExitCode, _ format: LogFormat, _ logger: Logger) {
    guard let table = timeline.table(Application.name, code), logger.isEnabled(.info) else { return }
    switch format {
    case .text: console.complain(table)
    case .json: logger.info("stopped", timeline.metadata(code))
    }
  }
}
