import Testing

@testable import Postgres

@Suite struct ListenStateMachineTests {
  typealias Machine = ListenStateMachine<String>
  struct Refused: Error {}

  /// A machine whose connection is there, and what its server is told and answers.
  struct Bench {
    var machine = Machine()
    var session = 1
    var ids: [String: Int] = [:]

    mutating func begin(_ receiver: String, _ channels: String...) -> Machine.Effects {
      let (id, effects) = machine.begin(channels, receiver)
      ids[receiver] = id
      return effects
    }

    mutating func end(_ receiver: String) -> Machine.Effects {
      ids[receiver].map { machine.end($0) } ?? Machine.Effects()
    }

    mutating func commands() -> [String] { take().map(\.text).sorted() }
    mutating func take() -> [Machine.Command] { machine.commands(atMost: 100, in: session) }

    /// Sends what is to be sent, and has the server answer.
    @discardableResult
    mutating func exchange(refusing refused: String? = nil) -> (effects: Machine.Effects, refusal: (any Error)?) {
      let commands = take()
      return machine.completed(commands.map { ($0, $0.text == refused ? Refused() : nil) }, in: session)
    }

    mutating func answer(_ commands: [Machine.Command]) -> Machine.Effects {
      machine.completed(commands.map { ($0, nil) }, in: session).effects
    }

    mutating func lose(isPermanent: Bool = false) -> (effects: Machine.Effects, goesOn: Bool) {
      machine.disconnected(Refused(), isPermanent: isPermanent, in: session)
    }

    mutating func receivers(_ channel: String) -> [String] {
      machine.receivers(of: ChannelName(channel), in: session).sorted()
    }
  }

  /// With a listener called first, to a channel of that name.
  private func established() -> Bench {
    var bench = Bench()
    _ = bench.begin("first", "first")
    _ = bench.machine.connected(in: 1)
    bench.exchange()
    return bench
  }

  @Test func `the first listener begins a session, which tells the server, and the last one ends it`() {
    var bench = Bench()
    #expect(bench.begin("a", "x").session == .start(session: 1))
    #expect(bench.begin("b", "x", "y", "x").session == .none)
    #expect(bench.machine.connected(in: 1).opened.isEmpty)
    let commands = bench.take()
    #expect(Set(commands.map(\.text)) == ["LISTEN x", "LISTEN y"])
    #expect(bench.commands().isEmpty)
    #expect(Set(bench.answer(commands).opened) == ["a", "b"])
    #expect(bench.receivers("x") == ["a", "b"])
    #expect(bench.receivers("y") == ["b"])
    #expect(bench.end("a").session == .none)
    #expect(bench.receivers("x") == ["b"])
    #expect(bench.end("b").session == .stop)
    #expect(bench.end("b").session == .none)
    #expect(bench.begin("c", "x").session == .start(session: 2))
  }

  @Test func `a second listener to a channel is open at once, one to another when the server has answered`() {
    var bench = established()
    let second = bench.begin("second", "first")
    #expect(second.opened == ["second"])
    #expect(second.session == .none)
    let other = bench.begin("other", "first", "other")
    #expect(other.opened.isEmpty)
    #expect(other.session == .wake)
    #expect(bench.exchange().effects.opened == ["other"])
  }

  @Test func `a listener to nothing is open when the connection is there`() {
    var bench = Bench()
    _ = bench.begin("a")
    #expect(bench.machine.connected(in: 1).opened == ["a"])
    #expect(bench.begin("b").opened == ["b"])
  }

  @Test func `the last listener of a channel has the server told, unless another comes first`() {
    var bench = established()
    _ = bench.begin("a", "x")
    bench.exchange()
    #expect(bench.end("a").session == .wake)
    let again = bench.begin("b", "x")
    #expect(again.opened == ["b"])
    #expect(bench.commands().isEmpty)
    #expect(bench.end("b").session == .wake)
    #expect(bench.commands() == ["UNLISTEN x"])
  }

  @Test func `who comes while the server forgets the channel has it told again, after its answer`() {
    var bench = established()
    _ = bench.begin("a", "x")
    bench.exchange()
    _ = bench.end("a")
    let leaving = bench.take()
    #expect(leaving.map(\.text) == ["UNLISTEN x"])
    #expect(bench.begin("b", "x").opened.isEmpty)
    #expect(bench.commands().isEmpty)
    #expect(bench.answer(leaving).opened.isEmpty)
    let asking = bench.take()
    #expect(asking.map(\.text) == ["LISTEN x"])
    #expect(bench.answer(asking).opened == ["b"])
  }

  @Test func `who goes while the server is told leaves nothing behind`() {
    var bench = established()
    _ = bench.begin("a", "x")
    let asking = bench.take()
    #expect(bench.end("a").session == .none)
    #expect(bench.answer(asking).opened.isEmpty)
    #expect(bench.commands() == ["UNLISTEN x"])
    _ = bench.begin("b", "y")
    _ = bench.end("b")
    #expect(bench.commands().isEmpty)
  }

  @Test func `a channel that is refused fails those that begin to listen to it, and nobody else`() {
    var bench = established()
    _ = bench.begin("bad", "bad", "x")
    _ = bench.begin("good", "x")
    let (effects, refusal) = bench.exchange(refusing: "LISTEN bad")
    #expect(refusal == nil)
    #expect(effects.failed.map(\.receiver) == ["bad"])
    #expect(effects.opened == ["good"])
    #expect(effects.session == .none)
    #expect(bench.commands().isEmpty)
    #expect(bench.receivers("x") == ["good"])
  }

  @Test func `when the only listener fails the session is over`() {
    var bench = Bench()
    _ = bench.begin("bad", "bad")
    _ = bench.machine.connected(in: 1)
    let effects = bench.exchange(refusing: "LISTEN bad").effects
    #expect(effects.failed.map(\.receiver) == ["bad"])
    #expect(effects.session == .stop)
    #expect(bench.begin("good", "x").session == .start(session: 2))
  }

  @Test func `a lost connection interrupts who listened; who had begun to waits for the next`() {
    var bench = established()
    _ = bench.begin("new", "new")
    _ = bench.take()
    let lost = bench.lose()
    #expect(lost.goesOn)
    #expect(lost.effects.interrupted == ["first"])
    #expect(lost.effects.failed.isEmpty)
    _ = bench.machine.connected(in: 1)
    let commands = bench.take()
    #expect(Set(commands.map(\.text)) == ["LISTEN first", "LISTEN new"])
    #expect(Set(bench.answer(commands).opened) == ["first", "new"])
  }

  @Test func `an attempt that fails is told to who begins, and waited out by who has listened`() {
    var bench = established()
    _ = bench.lose()
    _ = bench.begin("new", "new")
    let failed = bench.lose()
    #expect(failed.goesOn)
    #expect(failed.effects.failed.map(\.receiver) == ["new"])
    #expect(failed.effects.interrupted.isEmpty)
    _ = bench.begin("newer", "new")
    _ = bench.machine.connected(in: 1)
    _ = bench.take()
    #expect(bench.lose().effects.failed.map(\.receiver) == ["newer"])
    _ = bench.machine.connected(in: 1)
    #expect(bench.exchange().effects.opened == ["first"])
  }

  @Test func `an attempt that is refused for good fails everybody`() {
    var bench = established()
    _ = bench.lose()
    let failed = bench.lose(isPermanent: true)
    #expect(!failed.goesOn)
    #expect(failed.effects.failed.map(\.receiver) == ["first"])
    #expect(bench.begin("new", "x").session == .start(session: 2))
  }

  @Test func `a server that refuses what it took before is no server to listen to`() {
    var bench = established()
    _ = bench.lose()
    _ = bench.machine.connected(in: 1)
    let (effects, refusal) = bench.exchange(refusing: "LISTEN first")
    #expect(refusal is Refused)
    #expect(effects.failed.isEmpty)
    #expect(bench.lose().goesOn)
    _ = bench.machine.connected(in: 1)
    #expect(bench.exchange().effects.opened == ["first"])
  }

  @Test func `what an earlier session says is not heard`() {
    var bench = established()
    _ = bench.end("first")
    _ = bench.begin("second", "x")
    #expect(bench.machine.connected(in: 1).opened.isEmpty)
    #expect(bench.commands().isEmpty)
    #expect(!bench.lose().goesOn)
    #expect(bench.receivers("x").isEmpty)
    bench.session = 2
    _ = bench.machine.connected(in: 2)
    #expect(bench.exchange().effects.opened == ["second"])
  }

  @Test func `closed, everybody fails, and so does who comes later`() {
    var bench = established()
    _ = bench.begin("second", "x")
    let effects = bench.machine.close(Refused())
    #expect(Set(effects.failed.map(\.receiver)) == ["first", "second"])
    #expect(effects.session == .stop)
    #expect(bench.end("first").session == .none)
    let late = bench.begin("late", "x")
    #expect(late.failed.map(\.receiver) == ["late"])
    #expect(late.session == .none)
    #expect(bench.machine.close(Refused()).session == .none)
  }

  @Test func `more channels than go at once are told in turns`() {
    var bench = Bench()
    for number in 0..<10 { _ = bench.begin("\(number)", "\(number)") }
    _ = bench.machine.connected(in: 1)
    let first = bench.machine.commands(atMost: 6, in: 1)
    #expect(first.count == 6)
    #expect(bench.answer(first).opened.count == 6)
    let second = bench.machine.commands(atMost: 6, in: 1)
    #expect(second.count == 4)
    #expect(bench.answer(second).opened.count == 4)
  }

  @Test func `after any walk the server listens to what is wanted, and all who want it are open`() {
    var random = Generator(state: 42)
    for _ in 0..<200 {
      var bench = Bench()
      var (living, nextName) = ([String](), 0)
      var isConnected = false
      for _ in 0..<60 {
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1:
          nextName += 1
          living.append("\(nextName)")
          if case .start(let session) = bench.begin("\(nextName)", "\(nextName % 4)", "\(nextName % 3)").session {
            (bench.session, isConnected) = (session, false)
          }
        case 2 where !living.isEmpty: _ = bench.end(living.removeFirst())
        case 3 where isConnected: bench.exchange()
        case 4 where isConnected && !living.isEmpty:
          // Somebody leaves while the server is being told.
          let commands = bench.take()
          _ = bench.end(living.removeLast())
          _ = bench.answer(commands)
        case 5 where isConnected:
          let lost = Set(bench.lose().effects.failed.map(\.receiver))
          living.removeAll { lost.contains($0) }
          isConnected = false
        default:
          if !isConnected { _ = bench.machine.connected(in: bench.session) }
          isConnected = true
        }
      }
      if !isConnected { _ = bench.machine.connected(in: bench.session) }
      for _ in 0..<3 { bench.exchange() }
      #expect(bench.commands().isEmpty)
      let wanted = Set(living)
      #expect(Set((0..<4).flatMap { bench.receivers("\($0)") }) == wanted)
      // Nobody is missed by the next loss: all of them were open.
      #expect(Set(bench.lose().effects.interrupted) == wanted)
    }
  }
}

/// A repeatable one: what fails once fails again.
private struct Generator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 29)
  }
}

extension ListenStateMachine.Command {
  fileprivate var text: String {
    switch self {
    case .listen(let name): "LISTEN \(name.text)"
    case .unlisten(let name): "UNLISTEN \(name.text)"
    }
  }
}
