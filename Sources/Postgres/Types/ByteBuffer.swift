/// Bytes that are written one after the other, mostly a few at a time.
///
/// An array of which only the first ones count: to make an array longer takes many times as long as to write an integer
/// where there is room already.
struct ByteBuffer: Sendable {
  private var storage: [UInt8] = []
  /// How many there are.
  private(set) var count = 0

  /// Appends an integer in network byte order.
  @inline(__always)
  mutating func append<Integer: FixedWidthInteger>(_ integer: Integer) {
    makeRoom(for: MemoryLayout<Integer>.size)
    let start = count
    storage.withUnsafeMutableBytes { $0.storeBytes(of: integer.bigEndian, toByteOffset: start, as: Integer.self) }
    count += MemoryLayout<Integer>.size
  }

  /// Appends bytes as they are.
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    makeRoom(for: bytes.count)
    let start = count
    storage.withUnsafeMutableBytes { UnsafeMutableRawBufferPointer(rebasing: $0[start...]).copyMemory(from: bytes) }
    count += bytes.count
  }

  /// Puts an integer in network byte order in the place of what stands there.
  mutating func replace<Integer: FixedWidthInteger>(at start: Int, with integer: Integer) {
    precondition(start >= 0 && start + MemoryLayout<Integer>.size <= count, "only what was written can be replaced")
    storage.withUnsafeMutableBytes { $0.storeBytes(of: integer.bigEndian, toByteOffset: start, as: Integer.self) }
  }

  /// Leaves only the first ones.
  mutating func truncate(to size: Int) { count = min(count, size) }

  /// Forgets all bytes, and the memory too if it is more than so much.
  mutating func removeAll(keeping limit: Int) {
    if storage.count > limit { storage = [] }
    count = 0
  }

  /// All of them, and then none.
  mutating func take() -> [UInt8] {
    defer { count = 0 }
    return Array(storage[..<count])
  }

  func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try storage.withUnsafeBufferPointer { bytes throws(Failure) in
      try body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[..<count]))
    }
  }

  @inline(__always)
  private mutating func makeRoom(for more: Int) { if storage.count - count < more { grow(by: more) } }

  @inline(never)
  private mutating func grow(by more: Int) {
    storage.append(contentsOf: repeatElement(0, count: max(more, storage.count, 64)))
  }
}
