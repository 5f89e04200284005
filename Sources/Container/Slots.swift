import Synchronization

/// Where a built value is kept: written once, read without a lock.
///
/// Unchecked because of `box`. It is written by the one caller that moves `phase` from empty to filling, before that caller
/// stores `filled` with release; and read only after `filled` has been seen with acquire. (`AtomicLazyReference` does the same,
/// but is not inlined into its callers and costs four times as much.)
final class Slot: @unchecked Sendable {
  private static let empty: UInt8 = 0
  private static let filling: UInt8 = 1
  private static let filled: UInt8 = 2

  private let phase = Atomic<UInt8>(Slot.empty)
  private var box: AnyBox?

  var value: AnyBox? { phase.load(ordering: .acquiring) == Slot.filled ? box : nil }

  /// Puts the value in. Only the first counts: a constructor that came too late may try after another.
  func fill(_ value: AnyBox) {
    let isFirst = phase.compareExchange(expected: Slot.empty, desired: Slot.filling, ordering: .relaxed).exchanged
    guard isFirst else { return }
    box = value
    phase.store(Slot.filled, ordering: .releasing)
  }
}
