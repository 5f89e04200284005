/// Prints events, one aligned line each, as fx does.
///
/// ```
/// PROVIDE   PostgresPool            DatabaseModule   Shop/Database.swift:12
/// BUILD     PostgresPool            3.1 ms
/// START     PostgresPool            12 ms
/// RUNNING
/// ```
public struct ConsoleObserver: ContainerObserver {
  private let write: @Sendable (String) -> Void

  /// Gives each line to `write`, without its end.
  public init(_ write: @escaping @Sendable (String) -> Void) {
    self.write = write
  }

  /// Prints the event, if it is one that people want to read.
  public func observe(_ event: ContainerEvent) {
    let record = event.record
    guard let verb = record.verb else { return }
    var line = verb.padded(to: 10) + (record.subject ?? "").padded(to: 30)
    // A change of state is its verb.
    line += record.fields.filter { $0.name != "state" }.map(\.value).joined(separator: "  ")
    while line.last == " " { line.removeLast() }
    write(line)
  }
}

extension ContainerEvent {
  /// An event as data for a structured log: a constant message, and fields.
  public struct Record: Sendable {
    /// What happened, always in the same words.
    public let message: String
    /// The element that it happened to.
    public let subject: String?
    /// What else there is to say, in order.
    public let fields: [(name: String, value: String)]
    /// Whether something went wrong.
    public let isFailure: Bool
    let verb: String?
  }

  /// The event as data for a structured log.
  public var record: Record {
    func record(
      _ verb: String?, _ message: String, _ origin: Origin? = nil, hook: String? = nil, took: Duration? = nil,
      error: (any Error)? = nil, _ more: [(String, String)] = []
    ) -> Record {
      var fields = more.map { (name: $0.0, value: $0.1) }
      if let hook { fields.append((name: "hook", value: hook)) }
      if let took { fields.append((name: "duration", value: took.short)) }
      if let error { fields.append((name: "error", value: "\(error)")) }
      return Record(message: message, subject: origin?.name, fields: fields, isFailure: error != nil, verb: verb)
    }
    switch self {
    case .stateChanged(let state): return record("\(state)".uppercased(), "state changed", nil, [("state", "\(state)")])
    case .provided(let origin):
      let verb = origin.kind.rawValue.uppercased()
      return record(verb, "provided", origin, [("module", origin.module), ("location", "\(origin.location)")])
    case .built(let origin, let took): return record("BUILD", "built", origin, took: took)
    case .buildFailed(let origin, let took, let error):
      return record("FAILED", "build failed", origin, took: took, error: error)
    case .starting(let origin, let hook, let budget):
      return record(nil, "hook starting", origin, hook: hook, [("budget", budget.short)])
    case .started(let origin, let hook, let took):
      return record("START", "hook started", origin, hook: hook, took: took)
    case .startFailed(let origin, let hook, let took, let error):
      return record("FAILED", "hook failed to start", origin, hook: hook, took: took, error: error)
    case .runFinished(let origin): return record("DONE", "run finished", origin)
    case .runFailed(let origin, let error, let pause):
      let next = pause.map { [("restart", $0.short)] } ?? []
      return record("FAILED", "run failed", origin, error: error, next)
    case .stragglers(let stragglers):
      return record("WAITING", "still running", nil, stragglers.map { ("straggler", "\($0)") })
    case .cameLate(let origin):
      return record("LATE", "came back too late", origin, [("location", "\(origin.location)")])
    case .scopesEnded(let took, let leftBehind):
      return record("SCOPES", "scopes ended", nil, took: took, [("left behind", "\(leftBehind)")])
    case .rollingBack(let error): return record("ROLLBACK", "rolling back", error.origin, error: error)
    case .stopRequested(let reason): return record("STOP", "stop requested", nil, [("reason", "\(reason)")])
    case .stopping(let origin, let hook, let budget):
      return record(nil, "hook stopping", origin, hook: hook, [("budget", budget.short)])
    case .stopped(let origin, let hook, let took): return record("STOP", "hook stopped", origin, hook: hook, took: took)
    case .stopFailed(let origin, let hook, let took, let error):
      return record("FAILED", "hook failed to stop", origin, hook: hook, took: took, error: error)
    }
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    count < width ? self + String(repeating: " ", count: width - count) : self + " "
  }
}
