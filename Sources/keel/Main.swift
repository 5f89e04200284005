import Container
import DatabaseModule
import Host
import SharedMigrations

/// The reference app: a database with the shared schema, its metrics and its health.
@main struct Keel: HostApplication {
  static let version = "0.1.0"

  var body: [any ModuleElement] {
    DatabaseModule()
    Migrations(.shared)
  }
}
