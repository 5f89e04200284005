/// Provides a value: says how it is constructed, of what, and what runs when it starts and stops.
///
/// The parameters of the constructor are the dependencies, its result is the key; both are checked by the compiler.
/// The constructor runs at most once (unless ``lifetime(_:)`` says otherwise), and only if something reaches the value.
///
/// ```swift
/// Provide(PgUserRepository.init(pool:))
///   .as((any UserRepository).self) { $0 }
/// Provide { (pool: PostgresPool, log: Logger) async throws in try await Cache(pool, log) }
///   .onStart(timeout: .seconds(5)) { cache in try await cache.warm() }
///   .onStop { cache in await cache.flush() }
/// ```
///
/// A parameter may be a plain type, `T?` (`nil` if nobody provides it), ``Group``, ``Tagged``, ``Lazy``, ``Factory``,
/// ``Lifecycle``, ``Scope``, ``ScopeFactory`` or ``AppControl``.
public struct Provide<Output: Sendable>: ModuleElement {
  let declaration: Declaration

  init(_ declaration: Declaration) {
    self.declaration = declaration
  }

  /// Provides what `construct` returns.
  public init<each Dependency: Sendable>(
    _ construct: @escaping @Sendable (repeat each Dependency) async throws -> Output,
    file: StaticString = #fileID, line: UInt = #line
  ) {
    declaration = .constructing(.provide, Site(fileID: file, line: line), construct)
  }

  /// Provides each of the values that `construct` returns, under its own type.
  ///
  /// ```swift
  /// Provide(all: { (config: Config) in (Reader(config), Writer(config)) })
  /// ```
  @_disfavoredOverload
  public init<each Dependency: Sendable, each Value: Sendable>(
    all construct: @escaping @Sendable (repeat each Dependency) async throws -> (repeat each Value),
    file: StaticString = #fileID, line: UInt = #line
  ) where Output == (repeat each Value) {
    // Disfavoured because a trailing closure has no label and a value is a tuple of one: every `Provide { … }` would end up here.
    var requirements = Few<Requirement>()
    repeat requirements.append(.of((each Dependency).self))
    var outputs = Few<Key>()
    repeat outputs.append(Key((each Value).self))
    declaration = Declaration(
      .init(
        kind: .provide, site: Site(fileID: file, line: line), requirements: requirements, outputs: outputs,
        make: { injector in
          var arguments = Arguments(injector)
          let values = try await construct(repeat try arguments.next((each Dependency).self))
          var parts: [AnyBox] = []
          repeat parts.append(Box(each values))
          return Made(value: Box(values), parts: parts)
        }))
  }

  /// Adds the provider to the application.
  public func register(in registry: inout Registry) {
    registry.add(declaration)
  }
}

extension Declaration {
  /// The declaration of anything that calls one constructor with injected arguments and has one result.
  static func constructing<each Dependency: Sendable, Output: Sendable>(
    _ kind: Kind, _ site: Site, _ construct: @escaping @Sendable (repeat each Dependency) async throws -> Output,
    outputs: Few<Key>? = nil, name: String? = nil, run: Run.Policy? = nil
  ) -> Declaration {
    var requirements = Few<Requirement>()
    repeat requirements.append(.of((each Dependency).self))
    return Declaration(
      Fields(
        kind: kind, site: site, requirements: requirements, outputs: outputs ?? Few(one: Key(Output.self)),
        make: { injector in
          var arguments = Arguments(injector)
          return Made(value: Box(try await construct(repeat try arguments.next((each Dependency).self))))
        }, name: name, run: run))
  }
}
