// The thread sanitizer does not see `Synchronization.Mutex`, which is a futex inside a library that is not instrumented, and takes
// everything that it guards for a race. Built with `--sanitize=thread -Xswiftc -DTHREAD_SANITIZER`, this takes its place: the same
// interface over a lock that the sanitizer knows. Linked into each folder whose code is to be checked.
#if THREAD_SANITIZER
  #if canImport(Glibc)
    import Glibc
  #elseif canImport(Musl)
    import Musl
  #else
    import Darwin
  #endif

  struct Mutex<Value>: ~Copyable, Sendable {
    /// Unchecked because `value` is only ever touched between lock and unlock.
    private final class Storage: @unchecked Sendable {
      let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
      var value: Value

      init(_ value: Value) {
        self.value = value
        pthread_mutex_init(lock, nil)
      }

      deinit {
        pthread_mutex_destroy(lock)
        lock.deallocate()
      }
    }

    private let storage: Storage

    init(_ value: Value) {
      storage = Storage(value)
    }

    func withLock<Result, Failure>(_ body: (inout Value) throws(Failure) -> Result) throws(Failure) -> Result {
      pthread_mutex_lock(storage.lock)
      defer { pthread_mutex_unlock(storage.lock) }
      return try body(&storage.value)
    }
  }
#endif
