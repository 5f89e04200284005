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
  func supervise() async {
    while let exit = await embedded?.waitForExit(), !exit.isExpected, !Task.isCancelled {
      logger.error("the embedded PostgreSQL ended by itself; starting it again", ["reason": "\(exit.reason)"])
      await startAgain()
    }
  }

  private func startAgain() async {
    var pause = Duration.seconds(1)
    while !Task.isCancelled {
      do {
        try await embedded?.restart()
        return
      } catch {
        logger.error(
          "the embedded PostgreSQL does not start again yet", ["error": "\(error)", "next_try": .duration(pause)])
        // Cancelled, the loop ends.
        try? await Task.sleep(for: pause)
        pause = min(pause * 2, .seconds(60))
      }
    }
  }

  /// Whether the server is the app's own.
  public var isEmbedded: Bool { embedded != nil }

  /// Stops the private server, if there is one. Its data stay.
  public func stop() async {
    await embedded?.stop()
  }
}
