public import Synchronization

/// The resources of a pool by slot: what the core asks for without knowing their type.
protocol Shelf: Sendable {
  func make(_ slot: Int, onEnd: @escaping @Sendable () -> Void) async throws
  func check(_ slot: Int) async -> Bool
  func close(_ slot: Int) async
  func isPermanent(_ error: any Error) -> Bool
}

/// Keeps what a factory makes. The core's decisions are the order in which a slot is filled, read and emptied; the
/// lock in each place only makes that order visible, and nobody ever waits for it.
@usableFromInline
final class FactoryShelf<Factory: ResourceFactory>: Shelf {
  @usableFromInline
  final class Place: Sendable {
    @usableFromInline let resource = Mutex<Factory.Resource?>(nil)
  }

  let factory: Factory
  @usableFromInline let places: [Place]

  init(_ factory: Factory, size: Int) {
    self.factory = factory
    places = (0..<size).map { _ in Place() }
  }

  /// What is in the slot; nil while it is vacant.
  @inlinable subscript(slot: Int) -> Factory.Resource? { places[slot].resource.withLock { $0 } }

  func make(_ slot: Int, onEnd: @escaping @Sendable () -> Void) async throws {
    let resource = try await factory.make(onEnd: onEnd)
    places[slot].resource.withLock { $0 = resource }
  }

  func check(_ slot: Int) async -> Bool {
    guard let resource = self[slot] else { return false }
    return await factory.check(resource)
  }

  func close(_ slot: Int) async {
    let resource = places[slot].resource.withLock { resource in
      defer { resource = nil }
      return resource
    }
    if let resource { await factory.close(resource) }
  }

  func isPermanent(_ error: any Error) -> Bool { factory.isPermanent(error) }
}
