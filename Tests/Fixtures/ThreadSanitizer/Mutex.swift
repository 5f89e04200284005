// The thread sanitizer does not see `Synchronization.Mutex`, which is a futex inside a library that is not instrumented, and takes
// everything that it guards for a race. This takes its place in the copy of the package that `scripts/check-tsan` builds: the same
// interface over a lock that the sanitizer knows. It belongs to no target of the package itself.
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

// Usable from inline because some locks are.
@usableFromInline
struct Mutex<Value: ~Copyable>: ~Copyable, Sendable {
  /// Unchecked because `value` is only ever touched between lock and unlock.
  private final class Storage: @unchecked Sendable {
    let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    var value: Value

    init(_ value: consuming Value) {
      self.value = value
      pthread_mutex_init(lock, nil)
    }

    deinit {
      pthread_mutex_destroy(lock)
      lock.deallocate()
    }
  }

  private let storage: Storage

  @usableFromInline
  init(_ value: consuming Value) {
    storage = Storage(value)
  }

  @usableFromInline
  func withLock<Result: ~Copyable, Failure>(_ body: (inout Value) throws(Failure) -> Result) throws(Failure) -> Result {
    pthread_mutex_lock(storage.lock)
    defer { pthread_mutex_unlock(storage.lock) }
    return try body(&storage.value)
  }
}
