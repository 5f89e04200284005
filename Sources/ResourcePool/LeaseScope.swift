internal import CTaskRuntime
internal import Synchronization

/// The time for which a task has a resource to itself and runs its user's code. Every task that is started meanwhile
/// carries it along as a task-local, so that a pool knows on whose account the task asks.
@usableFromInline
package final class LeaseScope: Sendable {
  @TaskLocal static var current: LeaseScope?
  /// How many there are in the process. While there are none, nobody pays for a look at the task-local.
  private static let openCount = Atomic(0)

  private let task = LeaseOrigin.currentTask
  /// Let go of at the end, so that scopes which overlap one after the other do not keep all that were before them.
  private let outer: Mutex<LeaseScope?>
  /// Whether its task cannot get out of the outer scope before this one ends.
  private let isWithinOuter = LeaseScope.current?.isBoundHere ?? false
  /// Where its binding lies in memory; 0 once it is over.
  private let binding = Atomic<UInt>(0)

  private init() { outer = Mutex(LeaseScope.current) }

  /// Runs `body`, and has the tasks that it starts know that the running task holds a resource.
  package static func during<Result>(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
  ) async rethrows -> Result {
    let scope = LeaseScope()
    openCount.add(1, ordering: .relaxed)
    defer {
      scope.binding.store(0, ordering: .relaxed)
      scope.outer.withLock { $0 = nil }
      openCount.subtract(1, ordering: .relaxed)
    }
    return try await $current.withValue(scope) {
      scope.binding.store(bindingSeen, ordering: .relaxed)
      return try await body()
    }
  }

  /// The other tasks in whose scopes the running task was started, the innermost first.
  @usableFromInline
  package static var holders: [OuterHolder]? {
    guard openCount.load(ordering: .relaxed) > 0, let innermost = current else { return nil }
    let task = LeaseOrigin.currentTask
    var holders: [OuterHolder] = []
    var isAwaiting = innermost.isBoundHere
    var next: LeaseScope? = innermost
    while let scope = next {
      if scope.isOpen, scope.task != task { holders.append(OuterHolder(task: scope.task, isAwaiting: isAwaiting)) }
      isAwaiting = isAwaiting && scope.isWithinOuter
      next = scope.outer.withLock { $0 }
    }
    return holders
  }

  private var isOpen: Bool { binding.load(ordering: .relaxed) != 0 }

  /// Whether the running task sees the binding itself, as the scope's own task does and its child tasks, which end
  /// before the scope does. An unstructured task sees a copy; so does the child of a group that is older than the scope.
  private var isBoundHere: Bool { binding.load(ordering: .relaxed) == Self.bindingSeen }

  /// Where the running task finds the value of `current`; 0 when it has none. The one thing that tells a child task, which
  /// shares the place, from an unstructured one, which has a copy; were the runtime to copy for child tasks too, nested
  /// acquires would still be counted, and no deadlock of theirs be certain.
  private static var bindingSeen: UInt {
    UInt(bitPattern: taskLocalValue(Unmanaged.passUnretained($current).toOpaque()))
  }
}

/// A task that has a resource to itself, as one that was started meanwhile sees it.
@usableFromInline
package struct OuterHolder: Sendable {
  let task: UInt
  /// Whether it cannot give the resource back before the other task ends.
  let isAwaiting: Bool
}
