/// A map from types to small numbers: open addressing over the address of the type's metadata.
///
/// A dictionary hashes with a seed against hostile keys; types are not hostile, and this is the table behind every read.
struct KeyTable: Sendable {
  private var ids: [ObjectIdentifier?]
  private var values: [Int32]
  private var mask: Int
  private(set) var count = 0

  init(minimumCapacity: Int = 8) {
    var capacity = 16
    while capacity < minimumCapacity * 2 { capacity *= 2 }
    ids = Array(repeating: nil, count: capacity)
    values = Array(repeating: 0, count: capacity)
    mask = capacity - 1
  }

  subscript(key: Key) -> Int? { self[key.id] }

  subscript(id: ObjectIdentifier) -> Int? {
    var index = start(id)
    while let found = ids[index] {
      if found == id { return Int(values[index]) }
      index = (index + 1) & mask
    }
    return nil
  }

  /// Inserts `value` and returns `nil`, or leaves the table alone and returns what stands there already.
  mutating func insert(_ value: Int, for key: Key) -> Int? {
    var index = start(key.id)
    while let found = ids[index] {
      if found == key.id { return Int(values[index]) }
      index = (index + 1) & mask
    }
    ids[index] = key.id
    values[index] = Int32(value)
    count += 1
    if count * 2 > ids.count { grow() }
    return nil
  }

  private func start(_ id: ObjectIdentifier) -> Int {
    // Metadata is aligned, so the low bits say nothing: multiply, and take high ones.
    Int(truncatingIfNeeded: (UInt(bitPattern: id) &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
  }

  private mutating func grow() {
    let (oldIDs, oldValues) = (ids, values)
    ids = Array(repeating: nil, count: oldIDs.count * 2)
    values = Array(repeating: 0, count: oldIDs.count * 2)
    mask = ids.count - 1
    for case (let index, let id?) in oldIDs.enumerated() {
      var free = start(id)
      while ids[free] != nil { free = (free + 1) & mask }
      ids[free] = id
      values[free] = oldValues[index]
    }
  }
}
