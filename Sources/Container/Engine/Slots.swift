import Synchronization

/// Where built values are kept: each is written once, and read without a lock.
///
/// One block of memory rather than an object for each value: an app has as many as it has providers, and a read that had to
/// retain an object on its way would have every thread wait for the same counter.
///
/// Unchecked because of `box`. It is written by the one caller that moves `phase` from empty to filling, before that caller
/// stores `filled` with release; it is read only after `filled` has been seen with acquire, and never written again. The memory
/// lives as long as this object, and indices come from the plan that the number of slots comes from.
final class Slots: @unchecked Sendable {
  private static let empty: UInt8 = 0
  private static let filling: UInt8 = 1
  private static let filled: UInt8 = 2

  private struct Slot: ~Copyable {
    let phase = Atomic<UInt8>(Slots.empty)
    /// Retained by `fill`, released by `deinit`.
    var box: Unmanaged<AnyBox>?
  }

  private let areClosed = Atomic(false)
  private let slots: UnsafeMutablePointer<Slot>
  private let count: Int

  init(count: Int) {
    self.count = count
    slots = .allocate(capacity: count)
    for index in 0..<count { (slots + index).initialize(to: Slot()) }
  }

  deinit {
    for index in 0..<count { slots[index].box?.release() }
    slots.deinitialize(count: count)
    slots.deallocate()
  }

  /// What is in a slot, if anything is.
  subscript(index: Int) -> AnyBox? { unretained(index)?.takeUnretainedValue() }

  /// The same without retaining it, for reading the value at once: it is there as long as this object is.
  func unretained(_ index: Int) -> Unmanaged<AnyBox>? {
    slots[index].phase.load(ordering: .acquiring) == Slots.filled ? slots[index].box : nil
  }

  /// The values are stopped: nobody gets one any more who has not got it already.
  var isClosed: Bool { areClosed.load(ordering: .relaxed) }

  func close() { areClosed.store(true, ordering: .relaxed) }

  /// Puts a value in. Only the first counts: a constructor that came too late may try after another.
  func fill(_ index: Int, _ value: AnyBox) {
    let isFirst = slots[index].phase
      .compareExchange(expected: Slots.empty, desired: Slots.filling, ordering: .relaxed).exchanged
    guard isFirst else { return }
    slots[index].box = .passRetained(value)
    slots[index].phase.store(Slots.filled, ordering: .releasing)
  }
}

extension Unmanaged<AnyBox> {
  /// The value in a box that somebody else keeps. Retains nothing but that value.
  func value<Value>(as type: Value.Type) -> Value { _withUnsafeGuaranteedRef { $0.value(as: type) } }
}
