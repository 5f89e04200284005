public import Container
internal import Dispatch
internal import Glibc

/// An app with a command line, a metrics page, health pages and signals: list its modules, and it is a program.
///
/// ```swift
/// @main struct Hello: HostApplication {
///   var body: [any ModuleElement] {
///     DatabaseModule()
///     GreetingsModule()
///   }
/// }
/// ```
///
/// The program then understands `serve`, `migrate`, `doctor`, `config`, `graph` and more, which its `help` lists. Modules
/// contribute to what the host runs: `Group<Route>` and `Group<Routes>` are served, `Group<any HTTPMiddleware>` stands around
/// them (not around the host's own pages), `Group<HealthCheck>` is asked by `/readyz`, `Group<SettingsCatalog>` says which
/// settings there are. They may ask for what the host provides: `Configuration`, `Logger`, `EventLoop`, `MetricsRegistry`. Tests
/// start the whole of it with ``Hosted``.
public protocol HostApplication: Sendable {
  /// The app as it is made by the program.
  init()
  /// The modules.
  @ModuleBuilder var body: [any ModuleElement] { get }
  /// What the program calls itself in help, logs and metrics. Default: the type's name in lower case.
  static var name: String { get }
  /// Default `0.0.0`.
  static var version: String { get }
}

extension HostApplication {
  /// The type's name in lower case.
  public static var name: String { "\(Self.self)".lowercased() }

  /// `0.0.0`.
  public static var version: String { "0.0.0" }

  /// Does what the command line says, and ends the process with its exit code.
  public static func main() {
    // Not async: the runtime would open descriptors before the first line here.
    StandardDescriptors.occupy()
    QuietSignal.disregard(SIGPIPE)
    // Until serve listens for it. Of other commands it is the end, as when the terminal is closed.
    if CommandLine.arguments.dropFirst().first == "serve" { QuietSignal.disregard(SIGHUP) }
    Task {
      let code = await Commands(Self.self).run(Array(CommandLine.arguments.dropFirst()))
      exit(code.rawValue)
    }
    dispatchMain()
  }
}
