import ContainerTesting

@testable import Container

extension RandomGraph {
  /// How long something may take that is meant to be over its time.
  static let patience = Duration.seconds(1)
  /// How long all may take that have no budget of their own, if one of them is meant to be over its time.
  static let hurry = Duration.seconds(1_000_000)
  /// How long anything else may take: never over.
  static let ample = Duration.seconds(1_000_000_000_000)

  func app(_ watch: RandomGraphWatch, serial: Bool) -> App {
    var options = App.Options()
    if serial { options.order = .serial }
    options.clock = watch.time.clock
    options.startTimeout = hurries ? RandomGraph.hurry : RandomGraph.ample
    options.hookTimeout = options.startTimeout
    options.stopTimeout = RandomGraph.ample
    options.stragglerInterval = RandomGraph.ample
    return App(options) {
      for number in elements.indices { RandomElement(number: number, element: elements[number], watch: watch) }
      for number in roots { RandomRoot(number: number) }
    }
  }
}

private enum RandomKeys {
  enum Zero {}
  enum Next<Number> {}

  /// As many types as a graph can have elements and groups, to be their keys.
  static let all: [Key] = {
    func next<Number>(_ type: Number.Type, _ keys: [Key]) -> [Key] {
      keys.count == RandomGraph.most.elements + RandomGraph.most.groups
        ? keys : next(Next<Number>.self, keys + [Key(type)])
    }
    return next(Zero.self, [])
  }()

  static func of(_ number: Int) -> Key { all[number] }
  static func ofGroup(_ group: Int) -> Key { all[RandomGraph.most.elements + group] }
}

private struct RandomRoot: ModuleElement {
  let number: Int

  func register(in registry: inout Registry) {
    registry.add(
      Declaration(
        .init(
          kind: .invoke, site: Site(fileID: "Graph", line: 0),
          requirements: [Requirement(key: RandomKeys.of(number), access: .value)], outputs: [],
          make: { _ in Made(value: Box(())) })))
  }
}

/// An element whose dependencies are known at run time only, so it is declared without the help of the compiler.
private struct RandomElement: ModuleElement {
  /// A value; an object, for leaks of it can be told.
  private final class Value: Sendable {}

  typealias Instance = RandomGraphWatch.Instance

  /// What a `Lazy` is made of, without the type that it has in code.
  private struct Opening {
    let number: Int
    let deferred: Deferred
  }

  let number: Int
  let element: RandomGraph.Element
  let watch: RandomGraphWatch

  func register(in registry: inout Registry) {
    let outputs = element.kind == .run ? [] : [element.group.map(RandomKeys.ofGroup) ?? RandomKeys.of(number)]
    var fields = Declaration.Fields(
      kind: element.kind == .run ? .run : .provide, site: Site(fileID: "Graph", line: UInt(number)),
      requirements: Few(requirements), outputs: Few(outputs), make: { try await make($0) })
    fields.isGrouped = element.group != nil
    switch element.kind {
    case .value: break
    case .scoped: fields.lifetime = .scoped
    case .transient: fields.lifetime = .transient
    case .run: fields.run = Run.Policy(failure: .shutdown, grace: grace)
    }
    registry.add(Declaration(fields))
  }

  private var requirements: [Requirement] {
    element.needs.map { Requirement(key: RandomKeys.of($0), access: .value) }
      + element.groups.map { Requirement(key: RandomKeys.ofGroup($0), access: .group) }
      + element.lazies.map { Requirement(key: RandomKeys.of($0), access: .lazy) }
      + (element.scoped.isEmpty ? [] : [ScopeFactory.requirement])
  }

  private var grace: Duration {
    if element.fate.isEndless { return RandomGraph.patience }
    return element.listens ? RandomGraph.ample : .zero
  }

  private func make(_ injector: Injector) async throws -> Made {
    let scope = injector.scope
    let uses = Set(watch.graph.uses(number).map { watch.instance($0, in: scope) })
    let user = watch.instance(number, in: scope)
    let first = element.needs.count + element.groups.count
    let lazies = try element.lazies.enumerated().map { index, target in
      guard case .lazy(let source) = injector.binding(first + index) else { throw injector.defect }
      return Opening(number: target, deferred: Deferred(injector, source))
    }
    guard element.kind != .transient else {
      try await suffer(.construction)
      return Made(value: Box(Value()))
    }
    watch.build(user, uses: uses)
    var held = uses
    do {
      if element.kind != .run, !element.opensLate { held.formUnion(try await open(lazies, user)) }
      try await suffer(.construction)
    } catch {
      watch.leave(user)
      throw error
    }
    guard element.kind == .run else {
      return Made(value: Box(Value()), hooks: [hook(user, held, element.opensLate ? lazies : [])])
    }
    let scopes = element.scoped.isEmpty ? nil : try ScopeFactory.inject(injector, 0)
    let signal = injector.engine.shutdownSignal
    return Made(value: Box(RunBody { try await run(user, uses, lazies, scopes, signal) }))
  }

  private func hook(_ user: Instance, _ held: Set<Instance>, _ lazies: [Opening]) -> Hook {
    Hook(
      startTimeout: budget(.start), stopTimeout: budget(.stop),
      onStart: {
        watch.hold(held, by: user)
        do {
          _ = try await open(lazies, user)
          try await suffer(.start)
          watch.start(user)
        } catch {
          watch.leave(user)
          throw error
        }
      },
      onStop: {
        watch.stop(user)
        try await suffer(.stop)
      })
  }

  private func budget(_ place: RandomGraph.Place) -> Duration {
    element.fate.isEndless && element.fate.place == place ? RandomGraph.patience : RandomGraph.ample
  }

  /// The body of a `Run`: gets its lazy and scoped values, and keeps them until it is told to end.
  private func run(
    _ user: Instance, _ uses: Set<Instance>, _ lazies: [Opening], _ scopes: ScopeFactory?, _ signal: ShutdownSignal
  ) async throws {
    watch.hold(uses, by: user)
    defer {
      watch.settled[number].open()
      watch.leave(user)
    }
    _ = try await open(lazies, user)
    try await suffer(.start)
    guard let scopes else { return try await linger(signal) }
    try await scopes.withScope { scope in
      let engine = try scope.storage.engine()
      for number in element.scoped {
        guard let source = engine.plan.lookup.source(of: RandomKeys.of(number), from: 0) else { continue }
        _ = try await engine.value(of: source, in: scope.storage)
      }
      try await linger(signal)
    }
  }

  private func linger(_ signal: ShutdownSignal) async throws {
    watch.settled[number].open()
    if element.listens { await signal.wait() } else { try await Task.sleep(for: .seconds(600)) }
    try await suffer(.stop)
  }

  /// Opens what is lazy, and returns what has to run from then on.
  private func open(_ lazies: [Opening], _ user: Instance) async throws -> Set<Instance> {
    var opened: Set<Instance> = []
    for opening in lazies {
      do {
        _ = try await opening.deferred.box()
        let values = watch.graph.values(behind: opening.number).map { Instance(number: $0, scope: nil) }
        opened.formUnion(watch.open(Set(values), by: user))
      } catch let error as ContainerError where error.code == .lazyCycle {
        // It was opened too early, and said so.
      }
    }
    return opened
  }

  private func suffer(_ place: RandomGraph.Place) async throws {
    if element.fate.isSlow { for _ in 0..<3 { await Task.yield() } }
    guard let trouble = element.fate.trouble, element.fate.place == place else { return }
    switch trouble {
    case .fails: break
    case .hangs:
      watch.timePasses.open()
      try await Task.sleep(for: .seconds(600))
    case .deaf:
      watch.timePasses.open()
      await watch.end.wait()
    }
    throw Boom()
  }
}
