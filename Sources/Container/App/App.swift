/// An application: modules put together, with a start and a stop.
///
/// ```swift
/// let app = App { DatabaseModule(); UsersModule() }
/// try app.validate()            // the whole graph; no constructor runs
/// try await app.start()         // builds and starts what Invoke, Run and eager providers reach
/// try await app.stop()          // the exact reverse
/// try await app.run()           // for main(): start, wait for a signal or a failed Run, stop
/// ```
///
/// An app starts once. ``state`` and ``states`` say where it is.
public final class App: Sendable {
  let engine: Engine

  /// Puts modules and other elements together. Nothing runs yet; whatever is wrong is reported by ``validate()`` and ``start()``.
  public init(_ options: Options = Options(), @ModuleBuilder _ content: () -> [any ModuleElement]) {
    var registry = Registry()
    for element in content() { element.register(in: &registry) }
    var plan = PlanCompiler.compile(registry)
    if options.buildsOnDemandOnly { plan.roots = [] }
    engine = Engine(plan, options)
  }

  /// Checks the whole graph without running anything.
  ///
  /// - Returns: What is worth knowing though nothing is wrong: unused providers, and absent optional ones with a similar name.
  /// - Throws: One ``ContainerError`` with every fault in its ``ContainerError/related``.
  @discardableResult
  public func validate() throws(ContainerError) -> ValidationReport {
    guard engine.plan.faults.isEmpty else { throw .invalid(engine.plan) }
    return ValidationReport(engine.plan)
  }

  /// Builds what the roots reach, and starts it; what does not depend on each other at the same time.
  ///
  /// If anything fails, takes too long, or the start is called off, everything that had started is stopped before this throws.
  /// Cancelling the task calls the start off.
  public func start() async throws(ContainerError) {
    try await engine.start()
  }

  /// Stops everything that had started, in the reverse order, and waits until that is done.
  ///
  /// Before the start: the app is stopped and can no longer be started. During the start: calls it off and rolls it back.
  /// Scopes that are open have their time to end first, before what they use is stopped; see <doc:Scopes>.
  /// Called again, or by several at once: all wait for the one stop and are told the same.
  ///
  /// - Throws: What stop hooks threw; all of them have run nevertheless.
  public func stop() async throws(ContainerError) {
    try await engine.stop()
  }

  /// Asks the app to stop and returns at once, so it may be called from a hook or a `Run`. Has no effect on an app that stops
  /// already.
  public func requestStop(_ why: String? = nil) {
    engine.requestStop(.requested(why))
  }

  /// Waits until the app runs.
  ///
  /// - Throws: What ``start()`` throws, if it did.
  public func started() async throws(ContainerError) {
    try await engine.started()
  }

  /// Waits until the app has stopped.
  ///
  /// - Throws: What ``stop()`` throws.
  public func stopped() async throws(ContainerError) {
    try await engine.stopped()
  }

  /// Where the app is in its life.
  public var state: AppState { engine.current }

  /// The present state and each one that follows; ends when the app has stopped. Every call makes a stream of its own.
  public var states: AsyncStream<AppState> { engine.states() }

  /// Why the app stops or has stopped.
  public var stopReason: StopReason? { engine.stopReason }

  /// The value of a type, as a parameter of the app's own `Invoke` would get it.
  ///
  /// A value that nothing has reached so far is built and started now.
  ///
  /// - Throws: An error with the code ``ContainerError/Code/notProvided`` if nobody provides it outside a module's privacy, with
  ///   ``ContainerError/Code/invalidState`` when the app has stopped.
  public nonisolated(nonsending) func get<Value: Sendable>(
    _ type: Value.Type = Value.self
  ) async throws -> Value {
    if let box = engine.built(ObjectIdentifier(type)) { return box.value(as: type) }
    return try await engine.value(of: type, in: nil)
  }
}

extension ValidationReport {
  init(_ plan: Plan) {
    var unused: [Origin] = []
    var notes: [String] = []
    let groups = plan.askedGroups
    for case .unused(let node) in plan.notes {
      unused.append(plan.origin(node))
      if let key = plan.groupedElsewhere(node, groups) {
        notes.append("nobody asks for \(plan.origin(node)), but for `Group<\(key)>`: .grouped() makes it a member")
      } else if let key = plan.groupInVain(node, groups) {
        notes.append(
          "\(plan.origin(node)) is in `Group<\(key)>`, for which nobody asks" + plan.groupAdvice(for: key, groups))
      }
    }
    for case .leftOut(let member, let decorator, let asker) in plan.notes {
      notes.append(
        "`\(plan.name(decorator))` of \(plan.origin(asker)) lacks \(plan.origin(member)), which is private: "
          + "the group is decorated in \(plan.modulePath(plan.nodes[decorator].module)), which does not see it; drop .private()"
      )
    }
    for case .eagerInVain(let node) in plan.notes {
      notes.append(
        "\(plan.origin(node)) is \(plan.nodes[node].lifetime), so .eager() has no effect: "
          + "only singletons are built with the app")
    }
    for case .absentButSimilar(let requirement, let asker) in plan.notes {
      for suggestion in plan.byType(requirement.key) {
        notes.append("`\(requirement.description)` is nil for \(plan.origin(asker)), but \(suggestion)")
      }
    }
    self.init(unused: unused, notes: notes)
  }
}
