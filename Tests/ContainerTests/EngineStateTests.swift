import Synchronization
import Testing

@testable import Container

/// What has to hold between two steps that hardly ever come so close.
@Suite struct EngineStateTests {
  @Test func `Who takes over from a worker that was over its time has not lost its own`() throws {
    let hook = Hook(stopTimeout: .seconds(1), onStop: {})
    let app = App { Provide { Cache() }.eager() }
    var state = EngineState(app.engine.plan, App.Options(), app.engine.slots)
    var effects: [EngineState.Effect] = []

    // The first worker builds and starts the value, the second stops it and does not return.
    _ = try state.beginStart(now: .zero)
    #expect(state.take(1, now: .zero, &effects) != nil)
    #expect(state.beginStartHook(0, 0, of: [hook], worker: 1, now: .zero, &effects))
    #expect(state.completeStart(0, hooks: 1, worker: 1, now: .zero, &effects))
    _ = state.requestStop(.requested(nil), now: .zero)
    #expect(state.take(2, now: .zero, &effects) != nil)
    #expect(state.beginStopHook(0, worker: 2, now: .zero, &effects) != nil)

    let begun = state.beginWatch(now: .zero)
    let watch = try #require(begun).number
    _ = state.look(watch, now: .seconds(2))
    #expect(!state.owns(2, 0))
    // The watch looks again when the third has the job and has not begun with it.
    #expect(state.take(3, now: .seconds(2), &effects) != nil)
    _ = state.look(watch, now: .seconds(2))
    #expect(state.owns(3, 0))
  }

  /// The steps of an app with one `Run` up to the moment when it is to be stopped.
  private func started(_ app: App, _ run: RunTask, _ state: inout EngineState) throws {
    var effects: [EngineState.Effect] = []
    _ = try state.beginStart(now: .zero)
    #expect(state.take(1, now: .zero, &effects) != nil)
    state.runs[0] = run
    #expect(state.completeStart(0, hooks: 0, worker: 1, now: .zero, &effects))
    _ = state.requestStop(.requested(nil), now: .zero)
  }

  @Test func `A Run that does not end within its time is cancelled when the stop goes on without it`() throws {
    let app = App { Run("r") {} }
    let run = RunTask(app.engine, 0, RunBody {})
    var state = EngineState(app.engine.plan, App.Options(), app.engine.slots)
    var effects: [EngineState.Effect] = []
    try started(app, run, &state)
    #expect(state.take(2, now: .zero, &effects) != nil)
    #expect(state.beginStopRun(0, worker: 2, now: .zero, &effects) === run)

    // The task that cancels it after its grace has not had its turn, and may read the time when that stands still.
    let begun = state.beginWatch(now: .zero)
    let after = state.look(try #require(begun).number, now: .seconds(16))
    #expect(!state.owns(2, 0))
    #expect(after.contains { if case .cancelRuns(let runs) = $0 { runs.contains { $0 === run } } else { false } })
  }

  @Test func `A Run that the stop gives up before it is launched is forgotten`() throws {
    let app = App { Run("r") {} }
    let run = RunTask(app.engine, 0, RunBody {})
    try app.engine.state.withLock { try started(app, run, &$0) }
    let begun = app.engine.state.withLock { $0.beginWatch(now: .zero) }
    let watch = try #require(begun).number
    app.engine.perform(app.engine.state.withLock { $0.look(watch, now: .seconds(31)) })
    #expect(app.state == .stopped)
    // It keeps the engine, and would be kept by it.
    #expect(app.engine.state.withLock { $0.runs.isEmpty })
    run.launch()
    #expect(app.afterlife()().tasks.isEmpty)
  }
}
