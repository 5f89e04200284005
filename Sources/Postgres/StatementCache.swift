/// The statements that a connection has prepared, the least recently used forgotten first.
struct StatementCache {
  struct Key: Hashable {
    let text: String
    let types: [UInt32]
  }

  /// What to do so that a statement can be run.
  struct Lookup {
    /// The statement's name at the server.
    let name: String
    /// It must be prepared first.
    let isNew: Bool
    /// A statement to be forgotten at the server, to keep within the limit.
    let evicted: String?
  }

  private struct Entry {
    let name: String
    var lastUse: UInt64
  }

  private let capacity: Int
  private var entries: [Key: Entry] = [:]
  private var uses: UInt64 = 0
  private var names: UInt64 = 0

  init(capacity: Int) { self.capacity = capacity }

  mutating func lookUp(_ key: Key) -> Lookup {
    uses += 1
    if let index = entries.index(forKey: key) {
      entries.values[index].lastUse = uses
      return Lookup(name: entries.values[index].name, isNew: false, evicted: nil)
    }
    var evicted: String?
    // A scan, but only when a new statement meets a full cache: programs have fewer statements than places.
    if entries.count >= capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
      evicted = oldest.value.name
      entries[oldest.key] = nil
    }
    names += 1
    let name = "keel_\(names)"
    entries[key] = Entry(name: name, lastUse: uses)
    return Lookup(name: name, isNew: true, evicted: evicted)
  }

  /// The statement is not there at the server, or is no longer good.
  mutating func forget(_ key: Key) { entries[key] = nil }

  var count: Int { entries.count }
}
