import Container
import Synchronization

/// Notes what happened, in order.
final class Journal: Sendable {
  private let lines = Mutex<[String]>([])

  func note(_ line: String) { lines.withLock { $0.append(line) } }

  var entries: [String] { lines.withLock { $0 } }

  func count(_ line: String) -> Int { entries.count { $0 == line } }

  func index(_ line: String) -> Int? { entries.firstIndex(of: line) }
}

struct Boom: Error, Equatable, CustomStringConvertible {
  var description: String { "boom" }
}

struct Config: Sendable { var url = "db" }
struct Pool: Sendable { let url: String }
protocol Users: Sendable { func find() -> String }
struct PgUsers: Users {
  let pool: Pool
  func find() -> String { "user of \(pool.url)" }
}
struct Route: Sendable, Equatable { let path: String }
struct Cache: Sendable {}
struct Logger: Sendable, Equatable {
  var path = ["root"]
  func with(_ name: String) -> Logger { Logger(path: path + [name]) }
}
enum Replica: Tag {}
enum Primary: Tag {}

/// A gate that many may wait at and that opens once.
final class Gate: Sendable {
  private struct State {
    var isOpen = false
    var waiters: [CheckedContinuation<Void, Never>] = []
  }
  private let state = Mutex(State())

  func open() {
    let waiters = state.withLock { state in
      state.isOpen = true
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  func wait() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiters.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }
}

/// What an app holds, fetched by an `Invoke`.
final class Catch<Value: Sendable>: Sendable {
  private let box = Mutex<Value?>(nil)
  var value: Value? { box.withLock { $0 } }
  func put(_ value: Value) { box.withLock { $0 = value } }
}
