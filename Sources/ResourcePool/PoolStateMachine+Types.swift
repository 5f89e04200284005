internal import MonotonicTime

extension PoolStateMachine {
  /// What the caller has to do once the lock is released.
  struct Actions: Sendable {
    /// Resume these waiters with a lease.
    var grants: [(waiter: Waiter, grant: LeaseGrant)] = []
    /// Resume these waiters with an error.
    var failures: [(waiter: Waiter, error: PoolError)] = []
    /// Make a resource for each of these slots; answer with `made` or `makingFailed`.
    var makes: [(slot: Int, serial: UInt64)] = []
    /// Check the resources of these slots; answer with `checked`.
    var checks: [Int] = []
    /// Close the resources of these slots; answer with `closed`.
    var closes: [Int] = []

    var isEmpty: Bool {
      grants.isEmpty && failures.isEmpty && makes.isEmpty && checks.isEmpty && closes.isEmpty
    }
  }

  enum Lifecycle: Sendable {
    /// Before `beginStart`: nothing is lent. To `starting` or `closing`.
    case created
    /// The first resource is being made. To `running`, back to `created` when that failed, or to `closing`.
    case starting
    /// Lending. To `closing`.
    case running
    /// `close` was called: nothing is lent, what comes back is closed. Ends in itself.
    case closing
  }

  /// Plain words only, which are copied without a thought for references: every lease changes a slot twice.
  struct Slot: Sendable, BitwiseCopyable {
    enum State: Sendable, BitwiseCopyable {
      /// Nothing here. To `making`.
      case vacant
      /// A resource is being made. To `idle` when made, to `vacant` when that failed, to `closing` when it came too late.
      case making
      /// Free to lend since then. To leased, `checking` or `closing`.
      case idle(since: Instant)
      /// Being checked before it is lent. To `idle` when sound, to `closing` when not.
      case checking
      /// Lent to one holder, noted in `exclusiveOrigins`. To `idle` or `closing` at release.
      case exclusive(since: Instant)
      /// Carrying this many shared leases; `progress` is when it was taken on idle or the last of them was given back.
      /// To `idle` or `closing` when the last is given back.
      case shared(count: Int, progress: Instant)
      /// Being closed: it counts against the size until that is done. To `vacant`.
      case closing
    }
    var state: State = .vacant
    /// When the resource is too old to be lent again.
    var expiry = Instant(nanoseconds: .max)
    /// When the resource was made.
    var birth = Instant(nanoseconds: .min)
    /// The pool's generation when the making of the resource began; an older one is closed when it comes back.
    var generation: UInt64 = 0
    /// Whether nobody has reported the resource broken or ended.
    var isSound = true
    /// Counts the resources made for this slot, so that news of one that is gone is not taken for its successor's.
    var serial: UInt64 = 0
  }

  /// How many slots are in which state.
  struct Tally: Sendable {
    private(set) var vacant: Int
    private(set) var making = 0
    private(set) var idle = 0
    private(set) var checking = 0
    private(set) var lent = 0
    private(set) var closing = 0

    init(vacant: Int) { self.vacant = vacant }

    /// Those that can be lent now or after what keeps them is over.
    var living: Int { idle + checking + lent }

    @inline(__always)
    mutating func move(from old: Slot.State, to new: Slot.State) {
      add(-1, old)
      add(1, new)
    }

    @inline(__always)
    private mutating func add(_ number: Int, _ state: Slot.State) {
      switch state {
      case .vacant: vacant += number
      case .making: making += number
      case .idle: idle += number
      case .checking: checking += number
      case .exclusive, .shared: lent += number
      case .closing: closing += number
      }
    }
  }

  struct Waiting: Sendable {
    let waiter: Waiter
    let isShared: Bool
    let isNested: Bool
    let origin: LeaseOrigin
    let since: Instant
    let deadline: Instant
  }
}
