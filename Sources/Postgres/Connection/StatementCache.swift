/// A statement that a connection has prepared.
final class PreparedStatement: Sendable {
  let key: StatementCache.Key
  /// Its name at the server.
  let name: String
  private let isASCII: Bool

  init(_ key: StatementCache.Key, name: String) {
    self.key = key
    self.name = name
    isASCII = key.text.utf8.allSatisfy { $0 < 0x80 }
  }

  /// Whether it is of parameters like these. False where the database alone knows that.
  func isOf(_ binds: [SQL.Bind]) -> Bool {
    guard key.types.count == binds.count else { return false }
    // A span lends its elements, where a loop over the array copies each.
    let span = binds.span
    for index in span.indices where span[index].namedType != nil || span[index].oid != key.types[index] { return false }
    return true
  }

  /// Whether it is of this text to the byte.
  func hasText(_ text: String) -> Bool {
    // Equal to ASCII is what is the same, or longer: the Kelvin sign, of three bytes, equals K.
    isASCII ? key.text.utf8.count == text.utf8.count && key.text == text : key.text.hasBytes(of: text)
  }
}

/// The statements that a connection has prepared, the least recently used forgotten first.
struct StatementCache {
  struct Key: Hashable {
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

  private struct Entry {
    let statement: PreparedStatement
    var lastUse: UInt64
  }

  private let capacity: Int
  private var entries: [Key: Entry] = [:]
  private var latest: PreparedStatement?
  private var uses: UInt64 = 0
  private var names: UInt64 = 0

  init(capacity: Int) { self.capacity = capacity }

  /// The statement used last, if it is the one for a query. It often is, and to make a key and look for that takes many times as long.
  func latest(for sql: SQL) -> PreparedStatement? {
    guard let latest, latest.hasText(sql.text), latest.isOf(sql.binds) else { return nil }
    return latest
  }

  /// A statement that the server knows.
  mutating func find(_ key: Key) -> PreparedStatement? {
    guard let index = entries.index(forKey: key) else { return nil }
    uses += 1
    entries.values[index].lastUse = uses
    latest = entries.values[index].statement
    return latest
  }

  /// One that is about to be prepared. Tells the name of one to be forgotten at the server, to keep within the limit.
  mutating func insert(_ key: Key, evicting: (String) -> Void) -> PreparedStatement {
    // A scan, but only when a new statement meets a full cache: programs have fewer statements than places.
    if entries.count >= capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
      evicting(oldest.value.statement.name)
      entries[oldest.key] = nil
    }
    uses += 1
    names += 1
    let statement = PreparedStatement(key, name: "keel_\(names)")
    entries[key] = Entry(statement: statement, lastUse: uses)
    latest = statement
    return statement
  }

  /// The statement is not there at the server, or is no longer good.
  ///
  /// - Returns: Whether it was known until now: several queries may find that out.
  @discardableResult
  mutating func forget(_ statement: PreparedStatement) -> Bool {
    if latest === statement { latest = nil }
    guard entries[statement.key]?.statement === statement else { return false }
    entries[statement.key] = nil
    return true
  }

  /// The server has forgotten all. Names are not used again: what is on its way may have been prepared after that.
  mutating func removeAll() {
    entries = [:]
    latest = nil
  }

  var count: Int { entries.count }
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
