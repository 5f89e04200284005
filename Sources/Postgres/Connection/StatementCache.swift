internal import Synchronization

/// A statement that a connection has prepared.
final class PreparedStatement: Sendable {
  let text: String
  let types: [UInt32]
  /// Its name at the server.
  let name: String
  /// The text before, between and behind the parameters.
  private let pieces: [String]
  private let isASCII: Bool
  /// When it was used last, in uses of the cache, from 1; 0 once it is forgotten.
  fileprivate let lastUse = Atomic<UInt64>(0)
  /// The size of its last answer, and of a row in it, in bytes: what it answers next will be like that.
  private let answerSize = Atomic<Int>(0)
  private let rowSize = Atomic<Int>(0)

  init(_ sql: SQL, _ types: [UInt32], name: String) {
    text = sql.text
    pieces = sql.pieces
    self.types = types
    self.name = name
    isASCII = text.utf8.allSatisfy { $0 < 0x80 }
  }

  /// It has answered with so many rows.
  func note(rows: Int, size: Int) {
    answerSize.store(size, ordering: .relaxed)
    if rows > 0 { rowSize.store(max(size / rows, 1), ordering: .relaxed) }
  }

  /// Its rows are worth reading while more of them come.
  var hasLongAnswer: Bool { answerSize.load(ordering: .relaxed) >= 2 * ConnectionSession.chunkSize }

  /// How many rows make a chunk; nil as long as that is not known.
  var rowsPerChunk: Int? {
    let size = rowSize.load(ordering: .relaxed)
    return size > 0 ? min(max(ConnectionSession.chunkSize / size, 1), 64) : nil
  }

  /// Whether it is what a query needs. False where the database alone knows of what type a parameter is, or where the
  /// same text is put together from other pieces.
  fileprivate func isOf(_ sql: SQL) -> Bool {
    guard types.count == sql.binds.count, isSame(pieces[0], sql.head) else { return false }
    // A span lends its elements, where a loop over the array copies each.
    let binds = sql.binds.span
    for index in binds.indices {
      guard !binds[index].isOfNamedType, binds[index].oid == types[index],
        isSame(pieces[index + 1], binds[index].tail)
      else { return false }
    }
    return true
  }

  fileprivate func isOlder(than other: PreparedStatement) -> Bool {
    lastUse.load(ordering: .relaxed) < other.lastUse.load(ordering: .relaxed)
  }

  /// Whether a piece of it is another to the byte.
  private func isSame(_ piece: String, _ other: String) -> Bool {
    // Equal to ASCII is what is the same, or longer: the Kelvin sign, of three bytes, equals K.
    isASCII ? piece.utf8.count == other.utf8.count && piece == other : piece.hasBytes(of: other)
  }
}

/// The statements that a connection has prepared, the least recently used forgotten first.
struct StatementCache {
  private struct Key: Hashable {
    let text: String
    let types: [UInt32]

    /// By the bytes, as the server reads them: to Swift two strings are equal that look alike.
    static func == (left: Key, right: Key) -> Bool {
      left.text.hasBytes(of: right.text) && left.types == right.types
    }

    /// Of the text alone, which nearly always says what the parameters are.
    func hash(into hasher: inout Hasher) {
      var text = text
      text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
  }

  private let capacity: Int
  private var entries: [Key: PreparedStatement] = [:]
  /// Where to look first: to put a query's text together and look for that takes many times as long. Each place has the
  /// statement used last of those that belong there.
  private var places = [PreparedStatement?](repeating: nil, count: 64)
  private var uses: UInt64 = 0
  private var names: UInt64 = 0

  init(capacity: Int) { self.capacity = capacity }

  /// A statement that was used for the same query, and for no other of its place since.
  mutating func lately(_ sql: SQL) -> PreparedStatement? {
    guard let statement = places[Self.place(of: sql)], statement.isOf(sql) else { return nil }
    use(statement)
    return statement
  }

  /// A statement that the server knows.
  ///
  /// - Parameter types: the numbers of the parameters' types.
  mutating func find(_ sql: SQL, _ types: [UInt32]) -> PreparedStatement? {
    guard let statement = entries[Key(text: sql.text, types: types)] else { return nil }
    places[Self.place(of: sql)] = statement
    use(statement)
    return statement
  }

  /// One that is about to be prepared. Tells the name of one to be forgotten at the server, to keep within the limit.
  mutating func insert(_ sql: SQL, _ types: [UInt32], evicting: (String) -> Void) -> PreparedStatement {
    // A scan, but only when a new statement meets a full cache: programs have fewer statements than places.
    if entries.count >= capacity, let oldest = entries.values.min(by: { $0.isOlder(than: $1) }) {
      evicting(oldest.name)
      forget(oldest)
    }
    names += 1
    let statement = PreparedStatement(sql, types, name: "keel_\(names)")
    entries[Key(text: statement.text, types: types)] = statement
    places[Self.place(of: sql)] = statement
    use(statement)
    return statement
  }

  /// Whether one that was found before has not been forgotten since.
  func has(_ statement: PreparedStatement) -> Bool { statement.lastUse.load(ordering: .relaxed) != 0 }

  private mutating func use(_ statement: PreparedStatement) {
    uses += 1
    statement.lastUse.store(uses, ordering: .relaxed)
  }

  /// The statement is not there at the server, or is no longer good.
  ///
  /// - Returns: Whether it was known until now: several queries may find that out.
  @discardableResult
  mutating func forget(_ statement: PreparedStatement) -> Bool {
    let key = Key(text: statement.text, types: statement.types)
    guard entries[key] === statement else { return false }
    entries[key] = nil
    statement.lastUse.store(0, ordering: .relaxed)
    // It may have come here by texts in other pieces, too.
    for place in places.indices where places[place] === statement { places[place] = nil }
    return true
  }

  /// The server has forgotten all. Names are not used again: what is on its way may have been prepared after that.
  mutating func removeAll() {
    for statement in entries.values { statement.lastUse.store(0, ordering: .relaxed) }
    entries = [:]
    for place in places.indices { places[place] = nil }
  }

  var count: Int { entries.count }

  /// By the bytes before the first parameter, a word at a time, the lengths of the others, and the types.
  private static func place(of sql: SQL) -> Int {
    // Fibonacci hashing: 2^64 divided by the golden ratio spreads what differs a little (Knuth, volume 3, 6.4).
    func add(_ word: UInt64, to hash: inout UInt64) { hash = (hash ^ hash >> 32 ^ word) &* 0x9e37_79b9_7f4a_7c15 }
    let head = sql.head.utf8.withContiguousStorageIfAvailable { bytes in
      var hash: UInt64 = 0
      let bytes = UnsafeRawBufferPointer(bytes)
      for start in stride(from: 0, to: min(bytes.count, 256) - 7, by: 8) {
        add(bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self), to: &hash)
      }
      if bytes.count >= 8 { add(bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self), to: &hash) }
      return hash
    }
    var hash = head ?? 0
    add(UInt64(sql.head.utf8.count), to: &hash)
    let binds = sql.binds.span
    for index in binds.indices { add(UInt64(binds[index].tail.utf8.count) << 32 | UInt64(binds[index].oid), to: &hash) }
    return Int(hash >> 58)
  }
}

extension String {
  fileprivate func hasBytes(of other: String) -> Bool {
    let isSame = utf8.withContiguousStorageIfAvailable { these in
      other.utf8.withContiguousStorageIfAvailable { those in
        these.count == those.count && these.elementsEqual(those)
      }
    }
    // Strings of other origin have no bytes that lie together.
    return (isSame ?? nil) ?? utf8.elementsEqual(other.utf8)
  }
}
