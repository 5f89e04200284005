import Synchronization

/// What the current task is doing for an app: lets a call from inside a constructor, a hook or a `Run` be told from one outside.
final class Context: Sendable {
  @TaskLocal static var current: Context?

  let engine: ObjectIdentifier
  private let currentNode: Atomic<Int>

  init(_ engine: Engine, node: Int) {
    self.engine = ObjectIdentifier(engine)
    currentNode = Atomic(node)
  }

  /// The node whose code runs, or -1. One context serves all the nodes of a worker: setting a task-local costs more than a store.
  var node: Int {
    get { currentNode.load(ordering: .relaxed) }
    set { currentNode.store(newValue, ordering: .relaxed) }
  }

  /// Runs a hook or the body of a `Run`. A task that it begins and does not wait for inherits the context, so this one is theirs
  /// alone and ends with them: what such a task does afterwards is no part of them.
  nonisolated(nonsending) static func running(
    _ node: Int, of engine: Engine, _ body: nonisolated(nonsending) () async throws -> Void
  ) async rethrows {
    let context = Context(engine, node: node)
    defer { context.node = -1 }
    try await $current.withValue(context) { try await body() }
  }

  /// The node of `engine` whose code the current task runs.
  static func node(of engine: Engine) -> Int? {
    guard let current, current.engine == ObjectIdentifier(engine) else { return nil }
    let node = current.node
    return node >= 0 ? node : nil
  }
}
