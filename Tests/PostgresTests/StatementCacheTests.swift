import Testing

@testable import Postgres

@Suite struct StatementCacheTests {
  @Test func `a statement is found once it is there, under its text and the types of its parameters`() {
    var cache = StatementCache(capacity: 4)
    let names = ([[], [20], [23], [20, 23]] as [[UInt32]]).map { types in
      cache.insert("a", types) { _ in Issue.record("evicted") }.name
    }
    #expect(Set(names).count == 4)
    #expect(cache.find("a", [20])?.name == names[1])
    #expect(cache.find("b", []) == nil)
  }

  @Test func `the least recently used makes room, however often it was used before`() {
    var cache = StatementCache(capacity: 2)
    var evicted: [String] = []
    let a = cache.insert("a", []) { evicted.append($0) }
    for _ in 0..<9 { _ = cache.find("a", []) }
    _ = cache.insert("b", []) { evicted.append($0) }
    let c = cache.insert("c", []) { evicted.append($0) }
    #expect(evicted == [a.name])
    _ = cache.find("b", [])
    _ = cache.insert("d", []) { evicted.append($0) }
    #expect(evicted == [a.name, c.name])
    #expect(cache.count == 2)
  }

  @Test func `statements used lately are known by their pieces and types, and only while they are there`() {
    var cache = StatementCache(capacity: 2)
    let query: SQL = "SELECT \(1)"
    let a = cache.insert(query, [20]) { _ in }
    #expect(cache.lately(query) === a)
    #expect(cache.lately("SELECT \(1 as Int16)") == nil)
    #expect(cache.lately("SELECT 1") == nil)
    let b = cache.insert("SELECT \(1), \(2)", [20, 20]) { _ in }
    #expect(cache.lately("SELECT \(1), \(2)") === b && cache.lately("SELECT \(1); \(2)") == nil)
    #expect(cache.lately(query) === a)
    cache.forget(a)
    #expect(cache.lately(query) == nil && cache.lately("SELECT \(1), \(2)") === b)
    cache.removeAll()
    #expect(cache.lately("SELECT \(1), \(2)") == nil)
  }

  @Test func `a text that is put together otherwise is the same statement`() {
    var cache = StatementCache(capacity: 2)
    let condition: SQL = "id = \(1)"
    let (query, same): (SQL, SQL) = ("SELECT a WHERE id = \(1)", "SELECT \(SQL(unchecked: "a")) WHERE \(condition)")
    let statement = cache.insert(query, [20]) { _ in }
    #expect(cache.find(same, [20]) === statement)
    let written = SQL(unchecked: "SELECT a WHERE id = $1")
    #expect(written.text == query.text && cache.lately(written) == nil && cache.find(written, []) == nil)
  }

  @Test func `of statements that share a place each is found`() {
    var cache = StatementCache(capacity: 512)
    let queries = (0..<300).map { SQL(unchecked: "SELECT \($0) FROM a_table_of_some_name") }
    let statements = queries.map { cache.insert($0, []) { _ in Issue.record("evicted") } }
    for (query, statement) in zip(queries, statements) {
      let found = cache.lately(query) ?? cache.find(query, [])
      #expect(found === statement && cache.lately(query) === statement)
    }
  }

  @Test func `statements that look alike and differ in their bytes are two`() {
    var cache = StatementCache(capacity: 4)
    let (composed, decomposed): (SQL, SQL) = ("SELECT '\u{e9}'", "SELECT 'e\u{301}'")
    #expect(composed.text == decomposed.text)
    let one = cache.insert(composed, []) { _ in }
    #expect(cache.lately(decomposed) == nil)
    #expect(cache.find(decomposed, []) == nil)
    let other = cache.insert(decomposed, []) { _ in }
    #expect(cache.lately(decomposed) === other && cache.lately(composed) !== other)
    #expect(cache.find(composed, []) === one)

    let (letter, sign): (SQL, SQL) = ("SELECT 'K'", "SELECT '\u{212a}'")
    #expect(letter.text == sign.text)
    let ascii = cache.insert(letter, []) { _ in }
    #expect(cache.lately(letter) === ascii && cache.lately(sign) == nil)
    #expect(cache.find(sign, []) == nil)
  }

  @Test func `a parameter whose type only the database knows is not taken for a text`() {
    struct Mood: PostgresEncodable {
      static let postgresType = PostgresType(named: "mood")
      func encode(into buffer: inout ParameterBuffer) {}
    }
    var cache = StatementCache(capacity: 4)
    let text: SQL = "SELECT \("a")"
    let absent: SQL = "SELECT \(nil as String?)"
    let statement = cache.insert(text, text.binds.map(\.oid)) { _ in }
    #expect(cache.lately(text) === statement && cache.lately(absent) === statement)
    let named: SQL = "SELECT \(Mood())"
    #expect(named.text == text.text && named.binds.map(\.oid) == text.binds.map(\.oid))
    #expect(cache.lately(named) == nil)
  }

  @Test func `the statement used last is not the first to make room`() {
    var cache = StatementCache(capacity: 2)
    var evicted: [String] = []
    let query: SQL = "SELECT \(1)"
    _ = cache.insert(query, [20]) { evicted.append($0) }
    let b = cache.insert("b", []) { evicted.append($0) }
    #expect(cache.lately("SELECT \(1)") != nil)
    _ = cache.insert("c", []) { evicted.append($0) }
    #expect(evicted == [b.name])
  }

  @Test func `looking for what is not there evicts nothing`() {
    var cache = StatementCache(capacity: 1)
    let a = cache.insert("a", []) { _ in }
    #expect(cache.find("b", []) == nil)
    #expect(cache.find("a", []) === a)
  }

  @Test func `a forgotten statement comes back under a new name, which late news of the old one leave alone`() {
    var cache = StatementCache(capacity: 2)
    let first = cache.insert("a", []) { _ in }
    cache.forget(first)
    #expect(cache.forget(first) == false)
    #expect(cache.forget(PreparedStatement("never seen", [], name: "x")) == false)
    #expect(cache.find("a", []) == nil)
    let second = cache.insert("a", []) { _ in }
    #expect(second !== first && second.name != first.name)
    cache.forget(first)
    #expect(cache.find("a", []) === second)
  }

  @Test func `ten thousand different statements never fill it beyond its size`() {
    var cache = StatementCache(capacity: 16)
    var alive: Set<String> = []
    for index in 0..<10_000 where cache.find(SQL(unchecked: "\(index % 40)"), []) == nil {
      alive.insert(cache.insert(SQL(unchecked: "\(index % 40)"), []) { alive.remove($0) }.name)
      #expect(cache.count <= 16 && alive.count == cache.count)
    }
  }
}
