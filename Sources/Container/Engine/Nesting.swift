import Synchronization

/// How deep the current task is in constructors that make values by factories of the same: without end is a mistake that would
/// take all memory there is.
final class Nesting: Sendable {
  @TaskLocal private static var current: Nesting?
  private static let limit = 100

  private let depth: Int
  /// A task that a constructor begins and does not wait for is no part of it once it has returned.
  private let isOver = Atomic(false)

  private init(_ depth: Int) {
    self.depth = depth
  }

  static func deeper<Value>(
    _ origin: @autoclosure () -> Origin, _ construct: () async throws -> Value
  ) async throws -> Value {
    let outer = current.map { $0.isOver.load(ordering: .relaxed) ? 0 : $0.depth } ?? 0
    guard outer < limit else { throw ContainerError.endlessFactory(origin(), limit) }
    let nesting = Nesting(outer + 1)
    defer { nesting.isOver.store(true, ordering: .relaxed) }
    return try await $current.withValue(nesting) { try await construct() }
  }
}
