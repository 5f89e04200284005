internal import AppConfiguration
internal import EmbeddedPostgres
public import Postgres
public import StructuredLogging

/// The server an app works with: the one that is configured, or a private one of its own.
public final class DatabaseServer: Sendable {
  /// How to connect to it.
  public let options: ConnectOptions
  private let embedded: EmbeddedPostgres?
  private let logger: Logger

  /// Takes the configured server; without one starts the embedded one.
  ///
  /// - Parameters:
  ///   - settings: Which server.
  ///   - sharing: Whether an embedded server that another process runs in the folder will do; see
  ///     ``EmbeddedServerSharing``.
  ///   - logger: Hears of the start.
  /// - Throws: `PostgresError` for a malformed URL, `EmbeddedPostgresError` when the private server does not start.
  public static func start(
    _ settings: DatabaseSettings, sharing: Bool = false, logger: Logger
  ) async throws -> DatabaseServer {
    if let url = settings.url {
      return DatabaseServer(options: try ConnectOptions(url.reveal()), embedded: nil, logger: logger)
    }
    if sharing, let running = await EmbeddedPostgres.runningServer(in: settings.dataDirectory) {
      logger.info("using the embedded PostgreSQL of a running program", ["data": .string(settings.dataDirectory)])
      return DatabaseServer(
        options: try ConnectOptions(EmbeddedPostgres.withoutEnvironment(running)), embedded: nil, logger: logger)
    }
    let start = ContinuousClock.now
    let embedded = try await startEmbedded(settings, logger)
    logger.info(
      "no database.url configured: started an embedded PostgreSQL",
      [
        "version": .string(embedded.installation.version), "data": .string(embedded.dataDirectory),
        "took": .duration(.now - start),
      ])
    return DatabaseServer(
      options: try ConnectOptions(EmbeddedPostgres.withoutEnvironment(embedded.connectionString)), embedded: embedded,
      logger: logger)
  }

  private static func startEmbedded(_ settings: DatabaseSettings, _ logger: Logger) async throws -> EmbeddedPostgres {
    var options = EmbeddedPostgres.Options(dataDirectory: settings.dataDirectory)
    options.logger = logger
    do {
      return try await EmbeddedPostgres.start(options)
    } catch {
      // A start that is called off is no failure.
      throw error.code == .cancelled ? CancellationError() : error
    }
  }

  private init(options: ConnectOptions, embedded: EmbeddedPostgres?, logger: Logger) {
    self.options = options
    self.embedded = embedded
    self.logger = logger
  }

  /// Starts the private server again whenever it ends by itself, as often as that takes; until the task is cancelled.
  /// Meanwhile its log is kept short.
  func supervise() async {
    async let _ = trimLog(every: .seconds(60))
    var pauses = RestartPauses()
    var start = ContinuousClock.now
    while let exit = await embedded?.waitForExit(), !exit.isExpected, !Task.isCancelled {
      let pause = pauses.next(afterRunOf: .now - start)
      logger.error(
        "the embedded PostgreSQL ended by itself; starting it again",
        ["reason": "\(exit.reason)", "next_try": .duration(pause)])
      await startAgain(after: pause, &pauses)
      start = .now
    }
  }

  private func startAgain(after pause: Duration, _ pauses: inout RestartPauses) async {
    var pause = pause
    while true {
      // Cancelled, the loop ends.
      try? await Task.sleep(for: pause)
      if Task.isCancelled { return }
      do {
        try await embedded?.restart()
        return
      } catch {
        // A start that is called off is no failure.
        if Task.isCancelled { return }
        pause = pauses.next(afterRunOf: .zero)
        logger.error(
          "the embedded PostgreSQL does not start again yet", ["error": "\(error)", "next_try": .duration(pause)])
      }
    }
  }

  private func trimLog(every period: Duration) async {
    while (try? await Task.sleep(for: period)) != nil { await embedded?.trimLog() }
  }

  /// Whether the server is the app's own.
  public var isEmbedded: Bool { embedded != nil }

  /// Stops the private server, if there is one. Its data stay.
  public func stop() async {
    await embedded?.stop()
  }
}
