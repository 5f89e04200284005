/// Lets a value of an app reach the app: ask for it as a parameter.
///
/// ```swift
/// Run { (queue: Queue, control: AppControl) in
///   if try await queue.isPoisoned { control.requestStop("poisoned message") }
/// }
/// ```
///
/// It does not keep the app alive.
public final class AppControl: Sendable {
  private weak let engine: Engine?

  init(_ engine: Engine) {
    self.engine = engine
  }

  /// Asks the app to stop and returns at once.
  public func requestStop(_ why: String? = nil) {
    engine?.requestStop(.requested(why))
  }

  /// Where the app is in its life.
  public var state: AppState { engine?.current ?? .stopped }

  /// The app as a picture, as ``App/graph`` gives it; nil once the app is gone.
  public var graph: Graph? { engine.map { Graph($0) } }
}

extension AppControl: Injectable {
  static var requirement: Requirement { Requirement(key: Key(AppControl.self), access: .appControl) }

  static func inject(_ injector: Injector, _ index: Int) throws -> AppControl { AppControl(injector.engine) }
}
