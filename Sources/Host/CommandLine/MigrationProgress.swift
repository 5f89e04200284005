internal import Migrations
internal import Synchronization

/// Shows people at a terminal how a run goes: a line for each migration that is done, and, below them, the one under way
/// with the time it has taken so far. Elsewhere the log says the same.
final class MigrationProgress: Sendable {
  private struct Running {
    var label: String
    var start: ContinuousClock.Instant
    var remark = ""
  }

  private let console: Console
  private let showLine: @Sendable (String) -> Void
  private let running = Mutex<Running?>(nil)

  /// Nil where nobody watches.
  init?(_ console: Console) {
    guard let showLine = console.liveLine else { return nil }
    self.console = console
    self.showLine = showLine
  }

  /// Takes in what a migrator tells.
  func observe(_ event: MigrationEvent) {
    switch event {
    case .waiting(let holder):
      tell("waiting for another migrator" + (holder.map { ": \($0)" } ?? ""))
    case .reconciled(let adopted, let forgotten):
      tell("taken in from another tool: \(adopted.count) applied, \(forgotten.count) undone")
    case .changed(let migrations):
      tell("changed since they were applied: \(migrations.joined(separator: ", "))")
    case .started(let step, let index, let count):
      running.withLock { $0 = Running(label: "\(index)/\(count)  \(step)", start: .now) }
    case .blocked(_, let holders):
      for holder in holders { tell("  waits for \(holder): \(holder.outline)") }
    case .retrying(_, let attempt, let delay):
      tell("  no lock; try \(attempt) in \(delay)")
    case .statementDone(_, let done, let count):
      running.withLock { $0?.remark = ", \(done) of \(count) statements" }
    case .droppedInvalidIndex(_, let index):
      tell("  dropped the invalid index \(index) to build it again")
    case .finished(_, let duration):
      let label = running.withLock { state in
        defer { state = nil }
        return state?.label
      }
      if let label { tell("\(label)  \(Int(duration / .milliseconds(1))) ms") }
    }
  }

  /// Keeps the line of the migration under way up to date while `body` runs.
  func show<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await self.tick() }
      defer {
        group.cancelAll()
        running.withLock { $0 = nil }
        showLine("")
      }
      return try await body()
    }
  }

  private func tick() async {
    while (try? await Task.sleep(for: .milliseconds(250))) != nil {
      guard let running = running.withLock({ $0 }) else { continue }
      let elapsed = ContinuousClock.now - running.start
      // What is over in a moment needs no clock.
      if elapsed > .seconds(1) {
        showLine("\(running.label)  \(Int(elapsed / .seconds(1))) s\(running.remark)")
      }
    }
  }

  private func tell(_ text: String) {
    showLine("")
    console.complain(text)
  }
}
