import Testing

@testable import Postgres

@Suite struct StatementCacheTests {
  private func key(_ text: String, _ types: UInt32...) -> StatementCache.Key { .init(text: text, types: types) }

  @Test func `a statement is found once it is there, under its text and the types of its parameters`() {
    var cache = StatementCache(capacity: 4)
    let names = [key("a"), key("a", 20), key("a", 23), key("a", 20, 23)].map { key in
      cache.insert(key) { _ in Issue.record("evicted") }.name
    }
    #expect(Set(names).count == 4)
    #expect(cache.find(key("a", 20))?.name == names[1])
    #expect(cache.find(key("b")) == nil)
  }

  @Test func `the least recently used makes room, however often it was used before`() {
    var cache = StatementCache(capacity: 2)
    var evicted: [String] = []
    let a = cache.insert(key("a")) { evicted.append($0) }
    for _ in 0..<9 { _ = cache.find(key("a")) }
    _ = cache.insert(key("b")) { evicted.append($0) }
    let c = cache.insert(key("c")) { evicted.append($0) }
    #expect(evicted == [a.name])
    _ = cache.find(key("b"))
    _ = cache.insert(key("d")) { evicted.append($0) }
    #expect(evicted == [a.name, c.name])
    #expect(cache.count == 2)
  }

  @Test func `the statement used last is known by text and types, and only while it is there`() {
    var cache = StatementCache(capacity: 2)
    let query: SQL = "SELECT \(1)"
    let a = cache.insert(key("SELECT $1", 20)) { _ in }
    #expect(cache.latest(for: query) === a)
    #expect(cache.latest(for: "SELECT \(1 as Int16)") == nil)
    #expect(cache.latest(for: "SELECT 1") == nil)
    let b = cache.insert(key("SELECT $1, $2", 20, 20)) { _ in }
    #expect(cache.latest(for: query) == nil)
    #expect(cache.latest(for: "SELECT \(1), \(2)") === b)
    _ = cache.find(key("SELECT $1", 20))
    #expect(cache.latest(for: query) === a)
    cache.forget(a)
    #expect(cache.latest(for: query) == nil)
  }

  @Test func `statements that look alike and differ in their bytes are two`() {
    var cache = StatementCache(capacity: 4)
    let (composed, decomposed): (SQL, SQL) = ("SELECT '\u{e9}'", "SELECT 'e\u{301}'")
    #expect(composed.text == decomposed.text)
    let one = cache.insert(key(composed.text)) { _ in }
    #expect(cache.latest(for: decomposed) == nil)
    #expect(cache.find(key(decomposed.text)) == nil)
    let other = cache.insert(key(decomposed.text)) { _ in }
    #expect(cache.latest(for: decomposed) === other && cache.latest(for: composed) == nil)
    #expect(cache.find(key(composed.text)) === one)

    let (letter, sign): (SQL, SQL) = ("SELECT 'K'", "SELECT '\u{212a}'")
    #expect(letter.text == sign.text)
    let ascii = cache.insert(key(letter.text)) { _ in }
    #expect(cache.latest(for: letter) === ascii && cache.latest(for: sign) == nil)
    #expect(cache.find(key(sign.text)) == nil)
  }

  @Test func `a parameter whose type only the database knows is not taken for a text`() {
    struct Mood: PostgresEncodable {
      static let postgresType = PostgresType(named: "mood")
      func encode(into buffer: inout ParameterBuffer) {}
    }
    var cache = StatementCache(capacity: 4)
    let text: SQL = "SELECT \("a")"
    let absent: SQL = "SELECT \(nil as String?)"
    let statement = cache.insert(key(text.text, text.binds.map(\.oid)[0])) { _ in }
    #expect(cache.latest(for: text) === statement && cache.latest(for: absent) === statement)
    let named: SQL = "SELECT \(Mood())"
    #expect(named.text == text.text && named.binds.map(\.oid) == text.binds.map(\.oid))
    #expect(cache.latest(for: named) == nil)
  }

  @Test func `the statement used last is not the first to make room`() {
    var cache = StatementCache(capacity: 2)
    var evicted: [String] = []
    _ = cache.insert(key("SELECT $1", 20)) { evicted.append($0) }
    let b = cache.insert(key("b")) { evicted.append($0) }
    _ = cache.find(key("SELECT $1", 20))
    for _ in 0..<9 { _ = cache.latest(for: "SELECT \(1)") }
    _ = cache.insert(key("c")) { evicted.append($0) }
    #expect(evicted == [b.name])
  }

  @Test func `looking for what is not there evicts nothing`() {
    var cache = StatementCache(capacity: 1)
    let a = cache.insert(key("a")) { _ in }
    #expect(cache.find(key("b")) == nil)
    #expect(cache.find(key("a")) === a)
  }

  @Test func `a forgotten statement comes back under a new name, which late news of the old one leave alone`() {
    var cache = StatementCache(capacity: 2)
    let first = cache.insert(key("a")) { _ in }
    cache.forget(first)
    #expect(cache.forget(first) == false)
    #expect(cache.forget(PreparedStatement(key("never seen"), name: "x")) == false)
    #expect(cache.find(key("a")) == nil)
    let second = cache.insert(key("a")) { _ in }
    #expect(second !== first && second.name != first.name)
    cache.forget(first)
    #expect(cache.find(key("a")) === second)
  }

  @Test func `ten thousand different statements never fill it beyond its size`() {
    var cache = StatementCache(capacity: 16)
    var alive: Set<String> = []
    for index in 0..<10_000 where cache.find(key("\(index % 40)")) == nil {
      alive.insert(cache.insert(key("\(index % 40)")) { alive.remove($0) }.name)
      #expect(cache.count <= 16 && alive.count == cache.count)
    }
  }
}
