import Synchronization
import Testing

@testable import Container

/// Random graphs, with failures, time-outs and cancellations at random places: what must hold for every one of them.
@Suite struct RandomGraphTests {
  /// A reproducible source of chance.
  struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  /// What befalls a node.
  enum Fate: Sendable {
    case fine, slow, constructorFails, startFails, startHangs, stopFails
  }

  /// A graph: node n needs `needs[n]`, all of them smaller numbers, in one or more groups of types.
  struct Shape: Sendable {
    var needs: [[Int]]
    var fates: [Fate]
    var roots: [Int]
    var cancelAfter: Int?

    init(seed: UInt64, troubled: Bool) {
      var dice = Dice(state: seed)
      let count = Int.random(in: 1...24, using: &dice)
      let density = Double.random(in: 0.05...0.6, using: &dice)
      needs = (0..<count).map { node in (0..<node).filter { _ in Double.random(in: 0..<1, using: &dice) < density } }
      fates = (0..<count).map { _ in
        guard troubled, Int.random(in: 0..<12, using: &dice) == 0 else {
          return Bool.random(using: &dice) ? .fine : .slow
        }
        return [.constructorFails, .startFails, .startHangs, .stopFails].randomElement(using: &dice) ?? .fine
      }
      roots = (0..<count).filter { _ in Bool.random(using: &dice) } + [count - 1]
      if troubled, Bool.random(using: &dice) { cancelAfter = Int.random(in: 0..<count * 2, using: &dice) }
    }

    var reached: Set<Int> {
      var reached: Set<Int> = []
      var stack = roots
      while let node = stack.popLast() { if reached.insert(node).inserted { stack += needs[node] } }
      return reached
    }
  }

  /// Watches one run of one graph and notes what must not happen.
  final class Watch: Sendable {
    struct State {
      var built: Set<Int> = []
      var started: Set<Int> = []
      var stopped: Set<Int> = []
      var faults: [String] = []
      var steps = 0
    }
    let shape: Shape
    private let state = Mutex(State())
    let control = Mutex<App?>(nil)

    init(_ shape: Shape) { self.shape = shape }

    var result: State { state.withLock { $0 } }

    private func step(_ body: (inout State) -> Void) {
      let cancels = state.withLock { state in
        body(&state)
        state.steps += 1
        return state.steps - 1 == shape.cancelAfter
      }
      if cancels { control.withLock { $0 }?.requestStop("chance") }
    }

    func build(_ node: Int) {
      step { state in
        if !state.built.insert(node).inserted { state.faults.append("\(node) built twice") }
        for need in shape.needs[node] where !state.started.contains(need) || state.stopped.contains(need) {
          state.faults.append("\(node) built while \(need) was not running")
        }
      }
    }

    func start(_ node: Int) {
      step { state in
        if !state.started.insert(node).inserted { state.faults.append("\(node) started twice") }
      }
    }

    func stop(_ node: Int) {
      step { state in
        if !state.started.contains(node) { state.faults.append("\(node) stopped without having started") }
        if !state.stopped.insert(node).inserted { state.faults.append("\(node) stopped twice") }
        for (other, needs) in shape.needs.enumerated() where needs.contains(node) {
          if state.started.contains(other), !state.stopped.contains(other) {
            state.faults.append("\(node) stopped while \(other) was running")
          }
        }
      }
    }
  }

  /// As many distinct types as a graph can have nodes, to be their keys.
  static let keys: [Key] = {
    func next<Number>(_ type: Number.Type, _ keys: [Key]) -> [Key] {
      keys.count == 24 ? keys : next(Next<Number>.self, keys + [Key(type)])
    }
    return next(Zero.self, [])
  }()

  enum Zero {}
  enum Next<Number> {}

  /// A provider whose dependencies are known at run time only, so it is declared without the help of the compiler.
  struct Node: ModuleElement {
    let number: Int
    let watch: Watch

    func register(in registry: inout Registry) {
      let (number, watch) = (number, watch)
      let fate = watch.shape.fates[number]
      registry.add(
        Declaration(
          .init(
            kind: .provide, site: Site(fileID: "Graph", line: UInt(number)),
            requirements: Few(watch.shape.needs[number].map { Requirement(key: keys[$0], access: .value) }),
            outputs: [keys[number]],
            make: { _ in
              watch.build(number)
              if case .slow = fate { await Task.yield() }
              if case .constructorFails = fate { throw Boom() }
              return Made(value: Box(number), hooks: [hook(number, fate, watch)])
            })))
    }

    private func hook(_ number: Int, _ fate: Fate, _ watch: Watch) -> Hook {
      Hook(
        startTimeout: fate == .startHangs ? .milliseconds(3) : nil,
        onStart: {
          if fate == .slow { for _ in 0..<3 { await Task.yield() } }
          if fate == .startFails { throw Boom() }
          if fate == .startHangs { try await Task.sleep(for: .seconds(600)) }
          watch.start(number)
        },
        onStop: {
          watch.stop(number)
          if fate == .slow { await Task.yield() }
          if fate == .stopFails { throw Boom() }
        })
    }
  }

  struct Root: ModuleElement {
    let number: Int

    func register(in registry: inout Registry) {
      registry.add(
        Declaration(
          .init(
            kind: .invoke, site: Site(fileID: "Graph", line: 0),
            requirements: [Requirement(key: keys[number], access: .value)], outputs: [],
            make: { _ in Made(value: Box(())) })))
    }
  }

  static func app(_ shape: Shape, _ watch: Watch, _ options: App.Options) -> App {
    App(options) {
      for number in shape.needs.indices { Node(number: number, watch: watch) }
      for number in shape.roots { Root(number: number) }
    }
  }

  @Test(arguments: 0..<150) func `Every graph starts and stops in order`(seed: Int) async throws {
    let shape = Shape(seed: UInt64(seed), troubled: false)
    var options = App.Options()
    if seed % 3 == 0 { options.order = .serial }
    let watch = Watch(shape)
    let app = Self.app(shape, watch, options)
    try await app.start()
    #expect(watch.result.started == shape.reached)
    try await app.stop()
    #expect(watch.result.faults == [])
    #expect(watch.result.stopped == watch.result.started)
  }

  @Test(arguments: 0..<300) func `Whatever happens, what started is stopped once and nothing else is`(
    seed: Int
  ) async throws {
    let shape = Shape(seed: UInt64(seed) &+ 10_000, troubled: true)
    var options = App.Options()
    if seed % 3 == 0 { options.order = .serial }
    let watch = Watch(shape)
    let app = Self.app(shape, watch, options)
    watch.control.withLock { $0 = app }
    do { try await app.start() } catch { #expect(app.state == .stopped) }
    // A stop hook that was meant to fail is told of here, and all the others have run nevertheless.
    do { try await app.stop() } catch { #expect(error.code == .stopFailed) }
    watch.control.withLock { $0 = nil }
    let result = watch.result
    #expect(result.faults == [])
    #expect(result.stopped == result.started)
    #expect(app.state == .stopped)
    let afterlife = app.afterlife()
    let deadline = ContinuousClock.now + .seconds(60)
    while !afterlife().tasks.isEmpty, ContinuousClock.now < deadline { await Task.yield() }
    #expect(afterlife().tasks.isEmpty)
  }
}
