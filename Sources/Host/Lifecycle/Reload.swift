internal import AppConfiguration
internal import DatabaseModule
internal import StructuredLogging

/// Reads the configuration again while the app runs: the log's level changes, the rest is compared and told.
final class Reload: Sendable {
  private let catalogs: [SettingsCatalog]
  private let read: @Sendable () throws -> Configuration
  private let logger: Logger
  private let started: Configuration

  /// - Parameters:
  ///   - started: What the app was started with, and runs with until its next start.
  ///   - catalogs: The settings there are.
  ///   - read: Gathers and checks the sources once more.
  init(
    _ started: Configuration, _ catalogs: [SettingsCatalog], logger: Logger,
    read: @escaping @Sendable () throws -> Configuration
  ) {
    self.started = started
    self.catalogs = catalogs
    self.logger = logger
    self.read = read
  }

  /// Nothing changes when the new configuration has a fault.
  func perform() {
    do {
      let new = try read()
      let level = try LogSettings(new).level
      // With these the next start would fail.
      _ = try HostSettings(new)
      if catalogs.contains(where: { $0.name == DatabaseSettings.catalog.name }) { _ = try DatabaseSettings(new) }
      let changes = try new.changes(since: started, catalogs)
      logger.setLevel(level) { logger in
        logger.notice("configuration read again", ["log_level": .string(level.rawValue)])
        let waiting = changes.filter { $0.path != LogSettings.level.path }
        guard !waiting.isEmpty else { return }
        logger.warning(
          "settings that have changed take effect at the next start",
          ["settings": .array(waiting.map { .string($0.path) })])
      }
    } catch {
      logger.error("the configuration was not read again: it has faults", ["error": .describing(error)])
    }
  }
}
