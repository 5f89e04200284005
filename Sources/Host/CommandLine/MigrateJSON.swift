internal import FoundationEssentials
internal import Migrations

/// What `--json` prints. Keys are added, never changed: programs read them.
enum MigrateJSON {
  struct Version: Encodable, Sendable {
    let version: Int64
    let dirty: Bool
  }

  struct Status: Encodable, Sendable {
    let version: Int64
    let expected: Int64
    let pending: Int
    let dirty: Bool
    let sets: [Set]

    struct Set: Encodable, Sendable {
      let name: String
      let version: Int64
      let expected: Int64
      /// Whether this program lacks the set.
      let orphan: Bool
      let migrations: [Line]
    }

    struct Line: Encodable, Sendable {
      let version: Int64
      let title: String
      let state: MigrationStatus.State
      let changed: Bool
      let applied_at: Date?
      let applied_by: String?
      let duration_seconds: Double?
    }

    init(_ status: MigrationStatus) {
      version = status.version
      expected = status.latestVersion
      pending = status.pendingCount
      dirty = status.isDirty
      sets = status.sets.map { set in
        Set(
          name: set.name, version: set.version, expected: set.latestVersion, orphan: set.isOrphan,
          migrations: set.lines.map { line in
            Line(
              version: line.version, title: line.title, state: line.state, changed: line.isChanged,
              applied_at: line.record?.appliedAt, applied_by: line.record?.appliedBy,
              duration_seconds: line.record?.duration.map { $0 / .seconds(1) })
          })
      }
    }
  }

  struct Step: Encodable, Sendable {
    let direction: MigrationStep.Direction
    let set: String
    let version: Int64
    let title: String
    let file: String
    let in_transaction: Bool
    var sql: String?
    var duration_seconds: Double?
    var locks: [Lock]?
    /// Why a step was not tried.
    var not_tried: RehearsedStep.Omission?

    init(_ step: MigrationStep) {
      direction = step.direction
      set = step.set
      version = step.version
      title = step.title
      file = step.script.file
      in_transaction = step.script.inTransaction
    }
  }

  struct Lock: Encodable, Sendable {
    let relation: String
    let mode: String
    let rows: Int64
    let blocks_readers: Bool
  }

  struct Report: Encodable, Sendable {
    let from: Int64
    let to: Int64
    let completed: [Step]

    init(_ report: MigrationReport) {
      from = report.from
      to = report.to
      completed = report.completed.map { done in
        var step = Step(done.step)
        step.duration_seconds = done.duration / .seconds(1)
        return step
      }
    }
  }

  struct Plan: Encodable, Sendable {
    let steps: [Step]

    init(_ plan: MigrationPlan) {
      steps = plan.steps.map { planned in
        var step = Step(planned)
        step.sql = planned.script.text
        return step
      }
    }
  }

  struct Rehearsal: Encodable, Sendable {
    let steps: [Step]

    init(_ rehearsed: [RehearsedStep]) {
      steps = rehearsed.map { tried in
        var step = Step(tried.step)
        step.duration_seconds = tried.duration.map { $0 / .seconds(1) }
        step.not_tried = tried.omission
        step.locks = tried.locks.map {
          Lock(relation: $0.relation, mode: $0.mode, rows: $0.rows, blocks_readers: $0.blocksReaders)
        }
        return step
      }
    }
  }

  struct Findings: Encodable, Sendable {
    let findings: [Finding]

    struct Finding: Encodable, Sendable {
      let kind: MigrationFinding.Kind
      let set: String?
      let version: Int64?
      let message: String
    }

    init(_ findings: [MigrationFinding]) {
      self.findings = findings.map { Finding(kind: $0.kind, set: $0.set, version: $0.version, message: $0.message) }
    }
  }

  struct Failure: Encodable, Sendable {
    let error: Detail

    struct Detail: Encodable, Sendable {
      let code: String
      let message: String
      let file: String?
      let line: Int?
      let column: Int?
      let completed: [Step]
    }

    init(_ error: MigrationError) {
      self.error = Detail(
        code: error.code.description, message: error.message, file: error.location?.file, line: error.location?.line,
        column: error.location?.column, completed: error.completed.map(Step.init))
    }

    /// Of a signal.
    init(_ interruption: MigrationInterruption) {
      error = Detail(
        code: "interrupted", message: "\(interruption)", file: nil, line: nil, column: nil,
        completed: interruption.course.completed.map(Step.init))
    }

    /// Of a question that was not answered with yes.
    static let declined = Failure("declined", "nothing was undone")

    private init(_ code: String, _ message: String) {
      error = Detail(code: code, message: message, file: nil, line: nil, column: nil, completed: [])
    }

    /// Of what went wrong before there was anything to migrate: the command line, the configuration, the start.
    init(_ error: any Error) {
      self.init(error is UsageError ? "usage" : "start", Host.Failure.message(of: error))
    }
  }
}
