import Testing

@testable import EmbeddedPostgres

@Suite struct ServerExitsTests {
  @Test func `an end is told apart by what was going on, and only that of a ready server is unexpected`() async {
    typealias Step = (what: [(ServerExits) -> Void], phase: ServerExits.Phase)
    let ready: (ServerExits) -> Void = { #expect($0.becomeReady()) }
    let steps: [Step] = [
      ([], .starting), ([{ $0.expect() }], .starting), ([ready], .ready), ([ready, { $0.expect() }], .stopping),
      ([ready, { $0.expect() }, { $0.force() }], .forced), ([ready, { $0.force() }], .ready),
    ]
    for step in steps {
      let exits = ServerExits()
      exits.begin()
      for act in step.what { act(exits) }
      #expect(exits.finish(.exited(code: 0), log: "") == step.phase)
      #expect(await exits.wait()?.isExpected == (step.phase != .ready))
    }
  }
}
