import Container
import Testing

/// Apps of some thousand elements in a row: every pass over the graph has to be one.
@Suite(.timeLimit(.minutes(5))) struct LongChainTests {
  protocol Link: Sendable {
    init()
  }
  struct Nought: Link {}
  struct One: Link {}
  struct Two<First: Link, Second: Link>: Link {}

  /// 2048 types.
  static let links: [any Link.Type] = {
    func pair<First: Link, Second: Link>(_: First.Type, _: Second.Type) -> any Link.Type { Two<First, Second>.self }
    func pairs(_ firsts: [any Link.Type], _ seconds: [any Link.Type]) -> [any Link.Type] {
      firsts.flatMap { first in seconds.map { pair(first, $0) } }
    }
    let two: [any Link.Type] = [Nought.self, One.self]
    let four = pairs(two, two)
    let sixteen = pairs(four, four)
    return pairs(pairs(sixteen, sixteen), pairs(two, four))
  }()

  @Test func `Thousands of transients that hold factories of the next make a plan`() async throws {
    func element<Own: Link, Next: Link>(_: Own.Type, _: Next.Type) -> any ModuleElement {
      Provide { (_: Factory<Next>) in Own() }.lifetime(.transient)
    }
    let links = Self.links
    let app = App {
      // The last makes the first: each can make itself.
      for (own, next) in zip(links, links.dropFirst() + links.prefix(1)) { element(own, next) }
    }
    // Nobody asks for the first, and so for none of them.
    #expect(try app.validate().unused.count == links.count)
  }

  @Test func `Thousands of values that need the next and open scopes make a plan`() async throws {
    func element<Own: Link, Next: Link>(_: Own.Type, _: Next.Type) -> any ModuleElement {
      Provide { (_: Next, _: ScopeFactory) in Own() }
    }
    func end<Own: Link>(_: Own.Type) -> any ModuleElement { Provide { Own() } }
    let links = Self.links
    let app = App {
      for (own, next) in zip(links, links.dropFirst()) { element(own, next) }
      for last in links.suffix(1) { end(last) }
    }
    // Nobody asks for the first, and so for none of them.
    #expect(try app.validate().unused.count == links.count)
  }
}
