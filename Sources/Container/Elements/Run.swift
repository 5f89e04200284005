/// A background task that the app owns: started when everything it asks for has started, ended before any of that is stopped.
///
/// ```swift
/// Run { (worker: Worker) in try await worker.run() }
///   .onFailure(.restart(Backoff(maximum: .seconds(10))))
///
/// Run("consumer") { (queue: Queue, shutdown: ShutdownSignal) in
///   while !shutdown.isRequested { try await queue.handleNext() }
/// }
/// ```
///
/// When the app stops, a body that asks for ``ShutdownSignal`` is told and given ``grace(_:)``; then, and any other at once, its
/// task is cancelled. A body that does not end even so is reported by name, and the stop goes on without it.
public struct Run: ModuleElement {
  /// What happens when the body throws.
  public enum FailurePolicy: Sendable {
    /// The app stops; ``App/run(onReady:)`` and ``App/stop()`` throw the error.
    case shutdown
    /// The body is called again after a pause.
    case restart(Backoff)
    /// The error is an event, no more.
    case ignore
  }

  /// What happens when the body returns by itself.
  public enum FinishPolicy: Sendable {
    /// Nothing: the work is done.
    case goOn
    /// The app stops, in order.
    case shutdown
  }

  /// How a `Run` is supervised.
  struct Policy: Sendable {
    var failure = FailurePolicy.shutdown
    var finish = FinishPolicy.goOn
    var grace: Duration?
  }

  let declaration: Declaration

  /// A background task. `name` is what events, errors and the shutdown timeline call it.
  public init<each Dependency: Sendable>(
    _ name: String? = nil, _ body: @escaping @Sendable (repeat each Dependency) async throws -> Void,
    file: StaticString = #fileID, line: UInt = #line
  ) {
    declaration = .constructing(
      .run, Site(fileID: file, line: line),
      { (dependencies: repeat each Dependency) in RunBody { try await body(repeat each dependencies) } },
      outputs: [], name: name, run: Policy())
  }

  private init(_ declaration: Declaration) {
    self.declaration = declaration
  }

  /// Says what happens when the body throws; ``FailurePolicy/shutdown`` if this is not called.
  public func onFailure(_ policy: FailurePolicy) -> Self {
    with { $0.failure = policy }
  }

  /// Says what happens when the body returns by itself; ``FinishPolicy/goOn`` if this is not called.
  public func onFinish(_ policy: FinishPolicy) -> Self {
    with { $0.finish = policy }
  }

  /// How long the body may go on after ``ShutdownSignal`` before its task is cancelled: 5 s if it asks for that signal, else none.
  public func grace(_ time: Duration) -> Self {
    with { $0.grace = time }
  }

  /// Adds the task to the application.
  public func register(in registry: inout Registry) {
    registry.add(declaration)
  }

  private func with(_ change: (inout Policy) -> Void) -> Self {
    Self(
      declaration.with { fields in
        var policy = fields.run ?? Policy()
        change(&policy)
        fields.run = policy
      })
  }
}

/// What the constructor of a `Run` makes: its body, with the arguments in it.
struct RunBody: Sendable {
  let call: @Sendable () async throws -> Void
}
