internal import Container
internal import Glibc
internal import Migrations
internal import Synchronization

/// A `migrate` command that a signal has ended.
struct MigrationInterruption: Error, CustomStringConvertible {
  /// SIGTERM or SIGINT.
  let signal: Int32
  let request: MigrateRequest
  let course: MigrationCourse.State
  /// What the migrator says of the migration under way where the server answers nothing any more.
  var givenUp: String?

  /// As a shell has it of a process that a signal ends.
  var exitCode: ExitCode { signal == SIGINT ? .interrupted : .terminated }

  /// What became of the migration under way, what stands, and what to do.
  var description: String {
    let name = signal == SIGINT ? "SIGINT" : "SIGTERM"
    guard request.runsMigrations else { return "ended by \(name)" }
    guard let step = course.underWay ?? course.completed.last else {
      return "ended by \(name) before a migration was begun: none was run"
    }
    var lines = [String]()
    switch (course.underWay, givenUp) {
    case (_, let givenUp?): lines.append("ended by \(name): \(givenUp)")
    case (nil, nil): lines.append("ended by \(name) behind \(step)")
    case (.some, nil) where step.script.inTransaction: lines.append("ended by \(name): \(step) was rolled back")
    case (.some, nil):
      lines.append(
        "ended by \(name): \(step), which runs outside a transaction, may have stopped half way: migrate status says so, "
          + "and migrate resume then goes on with it")
    }
    if let last = course.completed.last {
      let count = course.completed.count
      lines.append(
        count == 1
          ? "\(last) was carried out, and stands."
          : "\(count) migrations were carried out, the last of them \(last), and stand.")
    }
    if course.underWay?.script.inTransaction != false, givenUp == nil {
      lines.append(
        course.completed.isEmpty || request.isRepeatable
          ? "To go on, run the same command again." : "What is applied now is what migrate status lists.")
    }
    return lines.joined(separator: "\n")
  }
}

/// How far a run of migrations has come.
final class MigrationCourse: Sendable {
  struct State: Sendable {
    var underWay: MigrationStep?
    var completed: [MigrationStep] = []
  }

  private let course = Mutex(State())

  /// Takes in what a migrator tells.
  func observe(_ event: MigrationEvent) {
    switch event {
    case .started(let step, _, _): course.withLock { $0.underWay = step }
    case .finished(let step, _):
      course.withLock { state in
        state.underWay = nil
        state.completed.append(step)
      }
    case .waiting, .reconciled, .changed, .blocked, .retrying, .statementDone, .droppedInvalidIndex: break
    }
  }

  /// Runs `body`, and cancels it when the process is told to end; told so a second time, it ends at once.
  ///
  /// - Throws: ``MigrationInterruption`` when `body` was ended by that. What has come to its end all the same has done so.
  func interruptible<Result: Sendable>(
    _ request: MigrateRequest, _ body: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let ending = Mutex<Int32?>(nil)
    let task = Task { try await body() }
    let signals = SignalTrap.ending.subscribe { signal in
      ending.withLock { $0 = signal }
      task.cancel()
    }
    defer { signals.cancel() }
    do {
      return try await task.value
    } catch {
      let unknown = (error as? MigrationError).flatMap { $0.cause is CancellationError ? $0 : nil }
      guard error is CancellationError || unknown != nil, let signal = ending.withLock({ $0 }) else { throw error }
      throw MigrationInterruption(
        signal: signal, request: request, course: course.withLock { $0 }, givenUp: unknown?.message)
    }
  }
}

extension MigrateRequest {
  /// Whether it may change the database by migrations.
  fileprivate var runsMigrations: Bool {
    switch self {
    case .migrate, .resume: true
    case .plan, .rehearse, .force, .baseline, .version, .status, .verify: false
    }
  }

  /// Whether it means the same when a part of it is done.
  fileprivate var isRepeatable: Bool {
    switch self {
    case .migrate(.up(limit: nil)), .migrate(.to), .migrate(.downAll): true
    case .migrate, .resume, .plan, .rehearse, .force, .baseline, .version, .status, .verify: false
    }
  }
}
