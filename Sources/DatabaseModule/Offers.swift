internal import Container
package import Migrations
package import Postgres

// Whoever asks for one of these in an app without the module is told of it.

extension PostgresPool: ModuleOffer {
  package static var offeringModule: String { "DatabaseModule()" }
}

extension Migrator: ModuleOffer {
  package static var offeringModule: String { "DatabaseModule()" }
}

extension DatabaseServer: ModuleOffer {
  package static var offeringModule: String { "DatabaseModule()" }
}

extension DatabaseSchema: ModuleOffer {
  package static var offeringModule: String { "DatabaseModule()" }
}
