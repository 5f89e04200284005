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

  /// The node whose code runs. One context serves all the nodes of a worker: setting a task-local costs more than a store.
  var node: Int {
    get { currentNode.load(ordering: .relaxed) }
    set { currentNode.store(newValue, ordering: .relaxed) }
  }

  /// The node of `engine` whose code the current task runs.
  static func node(of engine: Engine) -> Int? {
    guard let current, current.engine == ObjectIdentifier(engine) else { return nil }
    return current.node
  }
}
