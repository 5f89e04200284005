import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Numbers that many threads add to and few read: the storage of counters and histograms.
///
/// The first thread that adds becomes the owner of a set of cells that nobody else writes, so it adds with a plain load
/// and store, a fraction of the cost of an atomic addition. Most metrics are only ever touched by one thread (an event
/// loop's). Every other thread adds atomically to one of several further sets, chosen by thread, which exist from the
/// first time one is needed and lie on cache lines of their own. Reading sums all sets.
///
/// A thread that ends takes its ownership along; the system may give its identity to a new thread, which then is the
/// only one that has it.
struct ThreadCells: ~Copyable {
  private typealias Cells = UnsafeMutablePointer<Atomic<UInt64>>

  private static let stripeCount = 8
  private static let cellsPerCacheLine = 8

  private let width: Int
  private let owner = Atomic<UInt>(0)
  private let owned: CellBlock
  private let stripes = Atomic<UInt>(0)

  /// - Parameter width: How many numbers each set has.
  init(width: Int) {
    self.width = width
    owned = CellBlock(count: width)
  }

  deinit {
    if let block = CellBlock(address: stripes.load(ordering: .relaxed)) { block.deallocate() }
    owned.deallocate()
  }

  /// The cells of the calling thread.
  @inline(__always)
  borrowing func withCells(_ body: (CellBlock, _ isOwned: Bool) -> Void) {
    let thread = currentThread()
    let current = owner.load(ordering: .relaxed)
    if current == thread || (current == 0 && claim(thread)) {
      body(owned, true)
    } else {
      body(stripe(of: thread), false)
    }
  }

  @inline(never)
  private borrowing func claim(_ thread: UInt) -> Bool {
    owner.compareExchange(expected: 0, desired: thread, ordering: .relaxed).exchanged
  }

  private var stripeStride: Int {
    (width + Self.cellsPerCacheLine - 1) / Self.cellsPerCacheLine * Self.cellsPerCacheLine
  }

  private borrowing func stripe(of thread: UInt) -> CellBlock {
    let block = CellBlock(address: stripes.load(ordering: .acquiring)) ?? makeStripes()
    // Thread identities are addresses that differ in some middle bits; a multiplication moves those to the top.
    let index = Int((UInt64(thread) &* 0x9E37_79B9_7F4A_7C15) >> 61)
    return block.advanced(by: index * stripeStride)
  }

  @inline(never)
  private borrowing func makeStripes() -> CellBlock {
    let made = CellBlock(count: Self.stripeCount * stripeStride)
    let (exchanged, original) = stripes.compareExchange(
      expected: 0, desired: made.address, ordering: .acquiringAndReleasing)
    if exchanged { return made }
    made.deallocate()
    return CellBlock(address: original) ?? owned
  }

  /// The sum of a cell that holds whole numbers.
  borrowing func whole(_ index: Int) -> UInt64 {
    var sum = owned.load(index)
    if let block = CellBlock(address: stripes.load(ordering: .acquiring)) {
      for stripe in 0..<Self.stripeCount { sum &+= block.load(stripe * stripeStride + index) }
    }
    return sum
  }

  /// The sum of a cell that holds the bits of floating-point numbers.
  borrowing func fraction(_ index: Int) -> Double {
    var sum = Double(bitPattern: owned.load(index))
    if let block = CellBlock(address: stripes.load(ordering: .acquiring)) {
      for stripe in 0..<Self.stripeCount { sum += Double(bitPattern: block.load(stripe * stripeStride + index)) }
    }
    return sum
  }
}

/// Atomic cells in memory of their own, on a cache line's boundary. Whoever makes a block deallocates it.
///
/// Sendable although it holds a pointer: all that is behind it is atomic, and only the deinit of `ThreadCells`, which
/// nobody can be inside of, frees what others may see.
struct CellBlock: @unchecked Sendable {
  private let cells: UnsafeMutablePointer<Atomic<UInt64>>

  init(count: Int) {
    cells = UnsafeMutableRawPointer.allocate(byteCount: count * 8, alignment: 64)
      .bindMemory(to: Atomic<UInt64>.self, capacity: count)
    for index in 0..<count { (cells + index).initialize(to: Atomic(0)) }
  }

  /// The block that has this address, which comes from ``address``; nil for 0.
  init?(address: UInt) {
    guard let cells = UnsafeMutablePointer<Atomic<UInt64>>(bitPattern: address) else { return nil }
    self.cells = cells
  }

  var address: UInt { UInt(bitPattern: cells) }

  private init(_ cells: UnsafeMutablePointer<Atomic<UInt64>>) {
    self.cells = cells
  }

  func advanced(by count: Int) -> CellBlock { CellBlock(cells + count) }

  /// Atomics need no deinitialisation.
  func deallocate() { cells.deallocate() }

  func load(_ index: Int) -> UInt64 { cells[index].load(ordering: .relaxed) }

  /// Adds a whole number.
  @inline(__always)
  func addWhole(_ amount: UInt64, to index: Int, isOwned: Bool) {
    if isOwned {
      cells[index].store(cells[index].load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    } else {
      cells[index].wrappingAdd(amount, ordering: .relaxed)
    }
  }

  /// Adds to a cell that holds the bits of a floating-point number.
  @inline(__always)
  func addFraction(_ amount: Double, to index: Int, isOwned: Bool) {
    var old = cells[index].load(ordering: .relaxed)
    if isOwned {
      cells[index].store((Double(bitPattern: old) + amount).bitPattern, ordering: .relaxed)
      return
    }
    while true {
      let new = (Double(bitPattern: old) + amount).bitPattern
      let (exchanged, original) = cells[index].weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
      if exchanged { return }
      old = original
    }
  }
}

/// The identity of the calling thread; never 0.
@inline(__always)
private func currentThread() -> UInt {
  #if canImport(Glibc)
    UInt(pthread_self())
  #else
    UInt(bitPattern: pthread_self())
  #endif
}
