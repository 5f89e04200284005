import Synchronization

/// Where a built value is kept: written once, read without a lock.
final class Slot: Sendable {
  private let box = AtomicLazyReference<AnyBox>()

  var value: AnyBox? { box.load() }

  func fill(_ value: AnyBox) {
    _ = box.storeIfNil(value)
  }
}
