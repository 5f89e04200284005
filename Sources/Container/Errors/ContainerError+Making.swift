extension ContainerError {
  enum HookHalf: String {
    case start
    case stop
  }

  static func cannotStart(_ state: AppState) -> ContainerError {
    ContainerError(
      .invalidState, "cannot start: the app is \(state)",
      details: [state == .stopped ? "an app starts once; make another one" : "start() was called twice"])
  }

  static func notRunning(_ origin: Origin, _ state: AppState) -> ContainerError {
    ContainerError(
      .invalidState,
      "cannot get `\(origin.name)`: the app \(state == .built ? "has not been started" : "is \(state)")",
      details: ["values can be asked for between start() and stop()"], origin: origin)
  }

  static func noScope(after state: AppState) -> ContainerError {
    switch state {
    case .stopping:
      ContainerError(
        .invalidState, "cannot open a scope: the app is stopping, and what scopes use stops now",
        details: [
          "whoever opens scopes asks for ScopeFactory in its own constructor: then it stops before what they use"
        ])
    case .built, .starting, .running, .stopped:
      ContainerError(
        .invalidState, "cannot open a scope: the app is \(state)", details: ["a scope uses the app's values"])
    }
  }

  static func notProvided(_ plan: Plan, _ key: Key) -> ContainerError {
    if let element = (key.type as? any GroupType.Type)?.elementKey {
      return ContainerError(.notProvided, "nobody contributes to `\(key)`", details: [remedy(forGroupOf: element)])
    }
    return ContainerError(
      .notProvided, "nobody provides `\(key)`",
      details: plan.suggestions(for: Requirement(key: key, access: .value)) + [
        "asked of the app itself, which does not see what is private to a module"
      ])
  }

  static func needsScope(_ origin: Origin) -> ContainerError {
    ContainerError(
      .scopeEnded, "`\(origin.name)` lives in a scope and was asked for outside of any",
      details: ["at \(origin.location) in \(origin.module)", "open one with app.withScope { … } or ScopeFactory"],
      origin: origin)
  }

  static func noScopeHere() -> ContainerError {
    ContainerError(
      .scopeEnded, "`Scope` was asked for outside of any",
      details: ["open one with app.withScope { … } or ScopeFactory"])
  }

  static func noScopeInsideEnded() -> ContainerError {
    ContainerError(
      .scopeEnded, "cannot open a scope inside one that has ended",
      details: ["do not keep a Scope beyond the body of withScope"])
  }

  static func scopeOver(_ origin: Origin? = nil) -> ContainerError {
    ContainerError(
      .scopeEnded, "\(origin.map { "`\($0.name)`" } ?? "a value") was asked of a scope that has ended",
      details: ["do not keep a Scope beyond the body of withScope"], origin: origin)
  }

  static func inputNotSupplied(_ origin: Origin) -> ContainerError {
    ContainerError(
      .notProvided, "the scope was opened without its input `\(origin.name)`",
      details: ["declared at \(origin.location) in \(origin.module)", "open it with withScope(supplying: …)"],
      origin: origin)
  }

  static func noScopeInput(_ key: Key) -> ContainerError {
    let type = key.description.hasPrefix("any ") ? "(\(key))" : "\(key)"
    return ContainerError(
      .notProvided, "a scope was opened with `\(key)`, which is no input of scopes",
      details: ["declare it with ScopeInput(\(type).self)"])
  }

  static func suppliedTwice(_ key: Key) -> ContainerError {
    ContainerError(
      .duplicateProvider, "a scope was opened with two values of `\(key)`",
      details: ["supply one, or tell them apart: a ScopeInput of Tagged<…>"])
  }

  static func appGone() -> ContainerError {
    ContainerError(.invalidState, "the app that this value came from is gone")
  }

  static func lazyCycleInScope(_ asked: Origin) -> ContainerError {
    ContainerError(
      .lazyCycle, "`Lazy<\(asked.name)>` was opened while that value was being built in the same scope",
      details: ["keep the Lazy and open it later, outside the constructor"], origin: asked)
  }

  static func runFailed(_ plan: Plan, _ node: Int, _ error: any Error) -> ContainerError {
    let origin = plan.origin(node)
    return ContainerError(
      .runFailed, "\(origin.name) failed", details: ["at \(origin.location) in \(origin.module)"], origin: origin,
      cause: error)
  }

  static func stopping() -> ContainerError {
    ContainerError(.startCancelled, "not built: the app is stopping")
  }

  static func stopInside(_ origin: Origin) -> ContainerError {
    ContainerError(
      .stopInsideHook, "stop() was awaited inside `\(origin.name)`, which it would wait for",
      details: ["ask for `AppControl` there and call requestStop(), which returns at once"], origin: origin)
  }

  static func lazyCycle(_ asking: Origin, _ asked: Origin) -> ContainerError {
    ContainerError(
      .lazyCycle, "`\(asking.name)` opened `Lazy<\(asked.name)>` while being built, and that value waits for it",
      details: ["keep the Lazy, Factory or ScopeFactory and use it later, outside the constructor and the start hook"],
      origin: asking)
  }

  static func endlessFactory(_ origin: Origin, _ depth: Int) -> ContainerError {
    ContainerError(
      .lazyCycle, "`\(origin.name)` was made inside its own constructor, \(depth) deep",
      details: [
        "at \(origin.location) in \(origin.module)",
        "keep the Factory and call it later, outside the constructor, or see to it that the recursion ends",
      ], origin: origin)
  }

  /// A value that the plan says is there is not: a defect of this library.
  static func unbound(_ plan: Plan, _ node: Int) -> ContainerError {
    ContainerError(
      .invalidState, "an argument of `\(plan.origin(node).name)` was not ready; please report this",
      origin: plan.origin(node))
  }

  static func construction(_ plan: Plan, _ node: Int, _ error: any Error) -> ContainerError {
    let origin = plan.origin(node)
    let what =
      switch origin.kind {
      case .provide, .supply, .override: "could not build `\(origin.name)`"
      case .decorate: "could not decorate `\(origin.name)`"
      case .invoke, .run, .scope: "\(origin.name) failed"
      }
    return ContainerError(
      .constructionFailed, what, details: ["at \(origin.location) in \(origin.module)"] + plan.chain(to: node),
      origin: origin, cause: error)
  }

  static func hook(
    _ plan: Plan, _ node: Int, _ hook: Hook, _ half: HookHalf, _ elapsed: Duration, _ error: any Error
  ) -> ContainerError {
    let origin = plan.origin(node)
    let site = half == .start ? hook.startSite : hook.stopSite
    let name = hook.name.map { " \"\($0)\"" } ?? ""
    let location = site?.location ?? origin.location
    return ContainerError(
      half == .start ? .startFailed : .stopFailed,
      "\(half) hook\(name) of `\(origin.name)` failed after \(elapsed.short)",
      details: ["at \(location) in \(origin.module)"], origin: origin, cause: error)
  }

  /// What `start()` throws: the first failure, with the others and those of the roll-back.
  static func startEnded(
    _ failures: [ContainerError], rollBack: [ContainerError], reason: StopReason?
  ) -> ContainerError {
    // Once the start is called off, what is cancelled throws; that is no news. A `Run` that fails is what calls it off.
    var telling = failures.filter { $0.code == .runFailed || !($0.cause.map(isCallingOff) ?? false) }
    let isFailure = reason == .startFailed || telling.first?.code == .runFailed
    guard isFailure, var first = telling.first ?? failures.first else {
      let why = reason.map { ": \($0)" } ?? ""
      return ContainerError(.startCancelled, "the start was called off\(why)", related: telling + rollBack)
    }
    telling = Array(telling.dropFirst())
    first.related += telling + rollBack
    return first
  }

  /// A cancellation, or what a `Lazy` told a constructor because of one.
  static func isCallingOff(_ error: any Error) -> Bool {
    if error is CancellationError { return true }
    guard let error = error as? ContainerError else { return false }
    return error.code == .startCancelled || error.cause.map(isCallingOff) ?? false
  }

  /// What `stop()` throws.
  static func stopEnded(_ failures: [ContainerError]) -> ContainerError? {
    guard let first = failures.first else { return nil }
    if failures.count == 1 { return first }
    return ContainerError(first.code, "\(failures.count) errors while stopping", related: failures)
  }
}
