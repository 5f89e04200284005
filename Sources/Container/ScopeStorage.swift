/// The values of one scope.
final class ScopeStorage: Sendable {
  let slots: [Slot]

  init(count: Int) {
    slots = (0..<count).map { _ in Slot() }
  }

  func value(_ slot: Int) -> AnyBox? { slots[slot].value }
}
