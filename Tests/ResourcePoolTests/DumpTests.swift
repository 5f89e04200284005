import Testing

@testable import ResourcePool

@Suite struct DumpTests {
  @Test func `the listing names holders, waiters in their order, and the last failure`() throws {
    let pool = try Script.started(random: 1) { $0.maxSize = 2 }
    _ = pool.leaseNow(fileID: "App/Orders.swift", line: 12)
    pool.advance(.seconds(1))
    pool.wait("a", timeout: .seconds(5), fileID: "App/Report.swift", line: 7)
    pool.wait("b", shared: true, timeout: .seconds(9), fileID: "App/Login.swift", line: 99)
    pool.makingFailed("connection refused")
    pool.advance(.milliseconds(20))
    let dump = pool.machine.dump(pool.now)
    #expect(
      dump.description == """
        pool: max 2, in use 1, idle 0, being made 0, waiting 2
        1 failed attempt to make a resource, next in 80.0 ms: connection refused
        held: App/Orders.swift:12 for 1.0 s
        waits: App/Report.swift:7 for 20.0 ms, gives up in 5.0 s
        waits: App/Login.swift:99 (shared) for 20.0 ms, gives up in 9.0 s
        """)
    #expect(dump.waiters.map(\.isShared) == [false, true])
  }

  @Test func `holders are listed longest first, sharers by their number`() throws {
    let pool = try Script.started {
      $0.maxSize = 2
      $0.shareLimit = 8
    }
    pool.fill(2)
    _ = pool.leaseNow(shared: true)
    pool.advance(.milliseconds(1))
    _ = pool.leaseNow(fileID: "App/Orders.swift", line: 12)
    _ = pool.leaseNow(shared: true)
    pool.advance(.milliseconds(1))
    #expect(
      pool.machine.holders(pool.now).map(\.description) == ["2 shared for 2.0 ms", "App/Orders.swift:12 for 1.0 ms"])
  }
}
