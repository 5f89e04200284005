/// The resources of a pool by slot: what the core asks for without knowing their type.
protocol Shelf: Sendable {
  func make(_ slot: Int, onEnd: @escaping @Sendable () -> Void) async throws
  func check(_ slot: Int) async -> Bool
  func close(_ slot: Int) async
  func isPermanent(_ error: any Error) -> Bool
}

/// Keeps what a factory makes.
///
/// Unchecked: a slot is written while the machine has it `making` or `closing`, and read while it is lent or `checking`.
/// It goes from the one to the other under the core's lock alone, which is how each sees what the one before has done.
@usableFromInline
final class FactoryShelf<Factory: ResourceFactory>: Shelf, @unchecked Sendable {
  let factory: Factory
  @usableFromInline let places: UnsafeMutableBufferPointer<Factory.Resource?>

  init(_ factory: Factory, size: Int) {
    self.factory = factory
    places = .allocate(capacity: size)
    places.initialize(repeating: nil)
  }

  deinit {
    places.deinitialize()
    places.deallocate()
  }

  /// What is in the slot; nil while it is vacant.
  @inlinable subscript(slot: Int) -> Factory.Resource? { places[slot] }

  func make(_ slot: Int, onEnd: @escaping @Sendable () -> Void) async throws {
    places[slot] = try await factory.make(onEnd: onEnd)
  }

  func check(_ slot: Int) async -> Bool {
    guard let resource = self[slot] else { return false }
    return await factory.check(resource)
  }

  func close(_ slot: Int) async {
    guard let resource = places[slot].take() else { return }
    await factory.close(resource)
  }

  func isPermanent(_ error: any Error) -> Bool { factory.isPermanent(error) }
}
