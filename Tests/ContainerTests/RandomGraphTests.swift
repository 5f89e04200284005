import ContainerTesting
import Testing

@testable import Container

/// Random graphs, with failures, time-outs and cancellations at random places: what must hold for every one of them.
@Suite(.timeLimit(.minutes(10))) struct RandomGraphTests {
  @Test(arguments: 0..<200) func `Every graph starts and stops in order`(seed: Int) async throws {
    let graph = RandomGraph(seed: UInt64(seed), troubled: false)
    let watch = RandomGraphWatch(graph)
    let app = graph.app(watch, serial: seed % 3 == 0)
    try await app.start()
    for number in graph.elements.indices where graph.elements[number].kind == .run {
      await watch.settled[number].wait()
    }
    let started = Set(watch.result.started.filter { $0.scope == nil }.map(\.number))
    #expect(started.isSuperset(of: graph.started(lazily: false)))
    #expect(started.isSubset(of: graph.started(lazily: true)))
    try await app.stop()
    #expect(watch.result.faults == [])
    #expect(watch.result.stopped == watch.result.started)
    #expect(watch.result.users.isEmpty)
  }

  @Test(arguments: 0..<400) func `Whatever happens, what started is stopped once and nothing is left`(
    seed: Int
  ) async throws {
    let graph = RandomGraph(seed: UInt64(seed) &+ 10_000, troubled: true)
    let watch = RandomGraphWatch(graph)
    let (objects, afterlife) = await live(graph, watch, serial: seed % 3 == 0)
    #expect(afterlife().openScopes == 0)
    watch.end.open()
    let deadline = ContinuousClock.now + .seconds(300)
    while !afterlife().tasks.isEmpty || objects.contains(where: \.isAlive), ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(1))
    }
    #expect(afterlife().tasks.isEmpty)
    #expect(objects.filter(\.isAlive).map(\.origin) == [])
    let result = watch.result
    #expect(result.faults == [])
    #expect(result.stopped == result.started)
    #expect(result.users.isEmpty)
  }

  /// A whole life of an app. A function of its own, so that no local variable holds the app when leaks are looked for.
  private func live(
    _ graph: RandomGraph, _ watch: RandomGraphWatch, serial: Bool
  ) async -> (objects: [App.Tracked], afterlife: @Sendable () -> (tasks: [Origin], openScopes: Int)) {
    let app = graph.app(watch, serial: serial)
    let ready = Gate()
    let starting = Task {
      await ready.wait()
      do { try await app.start() } catch { #expect(app.state == .stopped) }
    }
    watch.onInterruption { interruption in
      switch interruption {
      case .requestStop: app.requestStop("chance")
      case .cancel: starting.cancel()
      }
    }
    let passing = Task {
      await watch.timePasses.wait()
      while app.state != .stopped {
        watch.time.advance(by: RandomGraph.hurry)
        try? await Task.sleep(for: .milliseconds(1))
      }
    }
    ready.open()
    await starting.value
    do {
      try await app.stop()
    } catch {
      // What was meant to fail at the end is told of here, and all the others have run nevertheless.
      #expect([.stopFailed, .stopTimedOut, .runFailed].contains(error.code))
    }
    #expect(app.state == .stopped)
    watch.onInterruption(nil)
    watch.timePasses.open()
    await passing.value
    return (app.trackedObjects(), app.afterlife())
  }
}
