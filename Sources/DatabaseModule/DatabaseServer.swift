internal import AppConfiguration
internal import EmbeddedPostgres
public import Postgres
public import StructuredLogging
internal import Synchronization

/// The server an app works with: the one that is configured, or a private one of its own.
public final class DatabaseServer: Sendable {
  /// How to connect to it.
  public let options: ConnectOptions
  private let embedded: EmbeddedPostgres?
  private let supervision = Mutex<Task<Void, Never>?>(nil)

  /// Takes the configured server; without one starts the embedded one, and starts it again whenever it dies.
  ///
  /// - Throws: `PostgresError` for a malformed URL, `EmbeddedPostgresError` when the private server does not start.
  public static func start(_ settings: DatabaseSettings, logger: Logger) async throws -> DatabaseServer {
    if let url = settings.url {
      return DatabaseServer(options: try ConnectOptions(url.reveal()), embedded: nil, logger: logger)
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
      options: try ConnectOptions(embedded.connectionString), embedded: embedded, logger: logger)
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
    guard let embedded else { return }
    let task = Task {
      while let exit = await embedded.waitForExit(), !exit.isExpected, !Task.isCancelled {
        logger.error("the embedded PostgreSQL ended by itself; starting it again", ["reason": "\(exit.reason)"])
        do {
          try await embedded.restart()
        } catch {
          logger.critical("the embedded PostgreSQL does not start again", ["error": "\(error)"])
          return
        }
      }
    }
    supervision.withLock { $0 = task }
  }

  /// Whether the server is the app's own.
  public var isEmbedded: Bool { embedded != nil }

  /// Stops the private server, if there is one. Its data stay.
  public func stop() async {
    supervision.withLock { $0 }?.cancel()
    await embedded?.stop()
  }
}
