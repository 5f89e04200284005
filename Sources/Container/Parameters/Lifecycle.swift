import Synchronization

/// Lets a constructor add hooks by hand, as fx's `fx.Lifecycle` does.
///
/// Ask for it as a parameter. ``Provide/onStart(timeout:_:file:line:)`` is shorter where the hook concerns the value itself.
///
/// ```swift
/// Provide { (lifecycle: Lifecycle, config: Config) in
///   let server = Server(config)
///   lifecycle.append(Hook("listener", onStart: { try await server.listen() }, onStop: { await server.close() }))
///   return server
/// }
/// ```
public final class Lifecycle: Sendable {
  private let hooks = Mutex<[Hook]>([])

  init() {}

  /// Adds a hook. Its start half runs after the constructor has returned; hooks run in the order they were added, at stop in
  /// the reverse order. Adding one after the constructor returned has no effect.
  public func append(_ hook: Hook) {
    hooks.withLock { $0.append(hook) }
  }

  func drain() -> [Hook] {
    hooks.withLock { hooks in
      defer { hooks = [] }
      return hooks
    }
  }
}

extension Lifecycle: Injectable {
  static var requirement: Requirement { Requirement(key: Key(Lifecycle.self), access: .lifecycle) }

  static func inject(_ injector: Injector, _ index: Int) throws -> Lifecycle {
    guard let lifecycle = injector.extras?.lifecycle else { throw injector.defect }
    return lifecycle
  }
}
