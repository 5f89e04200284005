/// The statements that a connection has prepared, the least recently used forgotten first.
struct StatementCache {
  struct Key: Hashable {
    let text: String
    let types: [UInt32]

    /// Of the text alone, which nearly always says what the parameters are.
    func hash(into hasher: inout Hasher) { hasher.combine(text) }
  }

  private struct Entry {
    let name: String
    var lastUse: UInt64
  }

  private let capacity: Int
  private var entries: [Key: Entry] = [:]
  /// What was used last: it is often asked for again, and hashing its text takes longer than the rest.
  private var latest: (key: Key, name: String)?
  private var uses: UInt64 = 0
  private var names: UInt64 = 0

  init(capacity: Int) { self.capacity = capacity }

  /// The name of a statement that the server knows.
  mutating func find(_ key: Key) -> String? {
    if let latest, latest.key == key { return latest.name }
    guard let index = entries.index(forKey: key) else { return nil }
    uses += 1
    entries.values[index].lastUse = uses
    latest = (key, entries.values[index].name)
    return latest?.name
  }

  /// A name for a statement that is about to be prepared. Tells of one to be forgotten at the server, to keep within
  /// the limit.
  mutating func insert(_ key: Key, evicting: (String) -> Void) -> String {
    // A scan, but only when a new statement meets a full cache: programs have fewer statements than places.
    if entries.count >= capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
      evicting(oldest.value.name)
      entries[oldest.key] = nil
    }
    uses += 1
    names += 1
    let name = "keel_\(names)"
    entries[key] = Entry(name: name, lastUse: uses)
    latest = (key, name)
    return name
  }

  /// The statement of this name is not there at the server, or is no longer good.
  mutating func forget(_ key: Key, _ name: String) {
    if entries[key]?.name == name { entries[key] = nil }
    if latest?.name == name { latest = nil }
  }

  var count: Int { entries.count }
}
