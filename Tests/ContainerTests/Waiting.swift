import Synchronization

final class Num: Sendable {
  let n: Int
  init(_ n: Int) { self.n = n }
}

struct X: Sendable { var n = 0 }
struct Y: Sendable {}
struct Z: Sendable {}

/// How often something happened.
final class Flag: Sendable {
  private let times = Mutex(0)
  func hit() { times.withLock { $0 += 1 } }
  var count: Int { times.withLock { $0 } }
}

/// An object for as long as others keep it.
///
/// Unchecked: the reference is set once, and the runtime guards its clearing.
final class Weak<Object: AnyObject & Sendable>: @unchecked Sendable {
  private(set) weak var o: Object?
  init(_ object: Object) { o = object }
}

/// Waits for a condition; says whether it came true in time.
func soon(_ milliseconds: Int = 60_000, _ condition: () -> Bool) async -> Bool {
  let deadline = ContinuousClock.now + .milliseconds(milliseconds)
  while !condition() {
    guard ContinuousClock.now < deadline else { return false }
    try? await Task.sleep(for: .milliseconds(2))
  }
  return true
}

/// Time for what must not happen, which no condition tells; nobody's cancellation ends it.
func pause(_ milliseconds: Int) async {
  await Task { try? await Task.sleep(for: .milliseconds(milliseconds)) }.value
}
