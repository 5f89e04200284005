import Synchronization

extension App {
  /// An object that an app built, held without keeping it alive.
  package struct Tracked: Sendable {
    package let origin: Origin
    private let probe: Probe

    init(_ origin: Origin, _ object: AnyObject) {
      self.origin = origin
      probe = Probe(object)
    }

    package var isAlive: Bool { probe.isAlive }

    /// Unchecked because the object may be of any class; all that is ever asked of it is whether it is still there.
    private final class Probe: @unchecked Sendable {
      private weak let object: AnyObject?

      init(_ object: AnyObject) {
        self.object = object
      }

      var isAlive: Bool { object != nil }
    }
  }

  /// Every object (not struct) that the app has built and keeps, but for supplied ones, which are somebody else's.
  package func trackedObjects() -> [Tracked] {
    let plan = engine.plan
    func objects(_ node: Int) -> [AnyObject] {
      guard plan.nodes[node].lifetime == .singleton else { return [] }
      return (0..<plan.nodes[node].outputCount).compactMap { engine.slots[plan.nodes[node].firstSlot + $0]?.object }
    }
    // They may go by another name too: bound to a protocol, decorated.
    let supplied = Set(
      plan.nodes.indices.filter { plan.declarations[$0].kind == .supply }.flatMap(objects).map(ObjectIdentifier.init))
    return plan.nodes.indices.flatMap { node -> [Tracked] in
      guard plan.nodes[node].lifetime == .singleton, plan.declarations[node].kind != .supply else { return [] }
      return objects(node).filter { !supplied.contains(ObjectIdentifier($0)) }.map { Tracked(plan.origin(node), $0) }
    }
  }

  /// Tells, without keeping the app alive, whose constructors, hooks and background tasks still run, and how many scopes are open.
  package func afterlife() -> @Sendable () -> (tasks: [Origin], openScopes: Int) {
    // A task of an app holds its engine, so there is none when that is gone.
    { [weak engine] in
      guard let engine else { return ([], 0) }
      let (nodes, openScopes) = engine.state.withLock { ($0.running, $0.scopes.count) }
      return (nodes.map { engine.plan.origin($0) }, openScopes)
    }
  }
}
