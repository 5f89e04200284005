/// The keys of the advisory locks that keep migrators apart: golang-migrate's, so that its processes wait for ours too.
///
/// Its key is made of schema, table and database. It calls the database by the path of the URL, `/app`, when it was
/// started with a URL (its command line is), and by its name when a program handed it a connection. Both keys are taken.
struct LockKey: Hashable, Comparable, Sendable {
  var value: Int64

  /// The keys for a version table, in the order everybody takes them.
  static func keys(database: String, schema: String, table: String) -> [LockKey] {
    [database, "/" + database].map { LockKey(names: [schema, table, $0]) }.sorted()
  }

  init(names: [String]) {
    let checksum = Self.crc32(names.joined(separator: "\0").utf8)
    value = Int64(checksum &* Self.salt)
  }

  static func < (left: LockKey, right: LockKey) -> Bool { left.value < right.value }

  /// golang-migrate's factor; Rails, whose idea it was, has another.
  private static let salt: UInt32 = 1_486_364_155

  /// CRC-32 as in gzip and zip.
  static func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var sum: UInt32 = ~0
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }
    return ~sum
  }
}
