internal import StructuredLogging

extension Logger {
  /// Writes an event of a migrator.
  func log(_ event: MigrationEvent) {
    switch event {
    case .waiting(let holder):
      info("waiting for another migrator", ["holder": .string(holder?.description ?? "unknown")])
    case .reconciled(let adopted, let forgotten):
      notice(
        "took in what another tool did",
        ["applied": .array(adopted.map { .integer($0) }), "undone": .array(forgotten.map { .integer($0) })])
    case .changed(let migrations):
      warning(
        "files of applied migrations have changed; a change of the schema belongs into a new one",
        ["migrations": .array(migrations.map { .string($0) })])
    case .started(let step, let index, let count):
      debug("migrating", metadata(step).merging(["step": .integer(index), "of": .integer(count)]))
    case .blocked(let step, let holders):
      warning(
        "migration waits for a lock",
        metadata(step).merging(["holders": .array(holders.map { .string("\($0): \($0.outline)") })]))
    case .retrying(let step, let attempt, let delay):
      warning(
        "migration got no lock and is tried again",
        metadata(step).merging(["attempt": .integer(attempt), "delay": .duration(delay)]))
    case .statementDone(let step, let done, let count):
      debug("statement done", metadata(step).merging(["done": .integer(done), "of": .integer(count)]))
    case .droppedInvalidIndex(let step, let index):
      notice("dropped an invalid index to build it again", metadata(step).merging(["index": .string(index)]))
    case .finished(let step, let duration):
      info("migrated", metadata(step).merging(["duration": .duration(duration)]))
    }
  }

  private func metadata(_ step: MigrationStep) -> LogMetadata {
    [
      "direction": .string(step.direction.rawValue), "set": .string(step.set), "version": .integer(step.version),
      "title": .string(step.title),
    ]
  }
}

extension LogMetadata {
  fileprivate func merging(_ other: LogMetadata) -> LogMetadata {
    var merged = self
    merged.merge(other)
    return merged
  }
}
