import Testing

@testable import Postgres

@Suite struct StatementCacheTests {
  private func key(_ text: String, _ types: [UInt32] = []) -> StatementCache.Key { .init(text: text, types: types) }

  @Test func `a statement is found under its text and the types of its parameters`() {
    var cache = StatementCache(capacity: 2)
    let name = cache.insert(key("a")) { _ in Issue.record("evicted") }
    #expect(cache.find(key("a")) == name)
    #expect(cache.find(key("a", [20])) == nil)
  }

  @Test func `the least recently used is evicted, and looking for what is not there evicts nothing`() {
    var cache = StatementCache(capacity: 2)
    var evicted: [String] = []
    let a = cache.insert(key("a")) { evicted.append($0) }
    let b = cache.insert(key("b")) { evicted.append($0) }
    _ = cache.find(key("a"))
    #expect(cache.find(key("c")) == nil && evicted.isEmpty)
    _ = cache.insert(key("c")) { evicted.append($0) }
    #expect(evicted == [b])
    #expect(cache.find(key("a")) == a)
    #expect(cache.count == 2)
  }

  @Test func `what is forgotten is new again under another name, which late news of the old one leave alone`() {
    var cache = StatementCache(capacity: 2)
    let first = cache.insert(key("a")) { _ in }
    cache.forget(key("a"), first)
    #expect(cache.find(key("a")) == nil)
    let second = cache.insert(key("a")) { _ in }
    #expect(second != first)
    cache.forget(key("a"), first)
    #expect(cache.find(key("a")) == second)
  }
}
