internal import AppConfiguration
public import Container
public import StructuredLogging

/// A program's app as `serve` makes it, in one line of a test: the program's modules, and what the host provides to them.
///
/// ```swift
/// try await TestDatabase.with(.shop) { database in
///   try await TestApp.run {
///     Hosted(Shop(), settings: ["database.url": database.connectionString])
///     Override { FakeMailer() as any Mailer }
///   } test: { app in
///     let server = try await app.get(HTTPServer.self)
///     let answer = await server.respond(to: HTTPRequest(.get, "/items"))
///     #expect(answer.status == .ok)
///   }
/// }
/// ```
///
/// `App { Hosted(Shop()) }.validate()` looks for faults in the program's graph, and starts nothing. Files, variables and the
/// command line are not read.
public struct Hosted<Application: HostApplication>: Module {
  private let application: Application
  private let settings: [String: String]
  private let logger: Logger

  /// - Parameters:
  ///   - application: The program.
  ///   - settings: Values by the paths of their settings, as on a command line. One that no module declares fails the
  ///     start. `host.listen` is a free port of 127.0.0.1 unless it is here.
  ///   - logger: Where the app logs. By default errors go to standard error: what a handler threw that was answered with
  ///     500, say. `.none` is for tests that provoke them.
  public init(
    _ application: Application, settings: [String: String] = [:],
    logger: Logger = Logger(label: Application.name, level: .error)
  ) {
    self.application = application
    self.settings = settings
    self.logger = logger
  }

  /// The host's elements and the program's.
  public var body: [any ModuleElement] {
    HostModule(
      program: Application.name, version: Application.version,
      Configuration(flags: ["host.listen": "127.0.0.1:0"].merging(settings) { $1 }), logger)
    Invoke { (configuration: Configuration, catalogs: Group<SettingsCatalog>) in
      try configuration.check(Array(catalogs))
    }
    Invoke { (readiness: Readiness) in await readiness.becomeReady() }
    application.body
  }
}
