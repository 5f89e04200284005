import Testing

@testable import Postgres

@Suite struct StatementCacheTests {
  private func key(_ text: String, _ types: UInt32...) -> StatementCache.Key { .init(text: text, types: types) }

  @Test func `a statement is new once, and keeps its name`() {
    var cache = StatementCache(capacity: 2)
    let first = cache.lookUp(key("a"))
    let second = cache.lookUp(key("a"))
    #expect(first.isNew && !second.isNew)
    #expect(first.name == second.name)
    #expect(cache.count == 1)
  }

  @Test func `the same text with parameters of other types is another statement`() {
    var cache = StatementCache(capacity: 4)
    let names = [key("a"), key("a", 20), key("a", 23), key("a", 20, 23)].map { cache.lookUp($0).name }
    #expect(Set(names).count == 4)
  }

  @Test func `the least recently used makes room, however often it was used before`() {
    var cache = StatementCache(capacity: 2)
    let a = cache.lookUp(key("a"))
    for _ in 0..<9 { _ = cache.lookUp(key("a")) }
    let b = cache.lookUp(key("b"))
    let c = cache.lookUp(key("c"))
    #expect(b.evicted == nil)
    #expect(c.evicted == a.name)
    _ = cache.lookUp(key("b"))
    #expect(cache.lookUp(key("d")).evicted == c.name)
    #expect(cache.count == 2)
  }

  @Test func `a forgotten statement comes back under a name that was never used`() {
    var cache = StatementCache(capacity: 2)
    let first = cache.lookUp(key("a"))
    cache.forget(key("a"))
    cache.forget(key("never seen"))
    let second = cache.lookUp(key("a"))
    #expect(second.isNew && second.evicted == nil)
    #expect(first.name != second.name)
  }

  @Test func `ten thousand different statements never fill it beyond its size`() {
    var cache = StatementCache(capacity: 16)
    var alive: Set<String> = []
    for index in 0..<10_000 {
      let statement = cache.lookUp(key("\(index % 40)"))
      if let evicted = statement.evicted { alive.remove(evicted) }
      alive.insert(statement.name)
      #expect(cache.count <= 16 && alive.count == cache.count)
    }
  }
}
