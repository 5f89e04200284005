import Testing

@testable import Container

@Suite struct LifecycleStateMachineTests {
  @Test func `The straight way`() {
    var machine = LifecycleStateMachine()
    #expect(machine.current == .built)
    #expect(machine.start() == .begin)
    #expect(machine.current == .starting)
    #expect(machine.settled() == .started)
    #expect(machine.current == .running)
    #expect(machine.stop() == .drain)
    #expect(machine.current == .stopping)
    #expect(machine.settled() == .beginStop)
    #expect(machine.finished() == true)
    #expect(machine.current == .stopped)
  }

  @Test func `A failed start drains, and a failure while draining changes nothing`() {
    var machine = LifecycleStateMachine()
    _ = machine.start()
    #expect(machine.fail() == true)
    #expect(!machine.admitsNodes)
    #expect(machine.fail() == false)
    #expect(machine.stop() == .join)
    #expect(machine.settled() == .beginStop)
  }

  @Test func `Stop in each state`() {
    var machine = LifecycleStateMachine()
    #expect(machine.stop() == .finish)
    #expect(machine.stop() == .none)
    #expect(machine.start() == .refuse(.stopped))
    machine = LifecycleStateMachine()
    _ = machine.start()
    #expect(machine.stop() == .drain)
    #expect(machine.stop() == .join)
    #expect(machine.start() == .refuse(.stopping))
    _ = machine.settled()
    #expect(machine.stop() == .join)
    #expect(machine.finished() == true)
    #expect(machine.finished() == false)
  }

  @Test func `A failure while running concerns only who asked`() {
    var machine = LifecycleStateMachine()
    _ = machine.start()
    _ = machine.settled()
    #expect(machine.fail() == false)
    #expect(machine.settled() == .none)
    #expect(machine.current == .running)
  }
}
