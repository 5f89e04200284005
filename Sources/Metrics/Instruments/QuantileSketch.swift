/// Counts values in buckets whose width is a 64th of the power of two below them, so that a quantile is right to 1 %.
///
/// Sketches add up, which a window that slides over time needs.
struct QuantileSketch {
  /// How many of a double's 52 fraction bits the buckets keep.
  private static let fractionBits: UInt64 = 6
  private static let shift = 52 - fractionBits
  /// Magnitudes outside these bounds share a bucket, which bounds the number of buckets.
  private static let smallest = 0x1p-64
  private static let largest = 0x1p64

  private var counts: [Int64: UInt64] = [:]
  private(set) var count: UInt64 = 0

  mutating func add(_ value: Double) {
    counts[Self.bucket(of: value), default: 0] += 1
    count += 1
  }

  mutating func add(_ other: QuantileSketch) {
    counts.merge(other.counts, uniquingKeysWith: +)
    count += other.count
  }

  /// The values that these shares of all observations do not exceed; not a number when there are none.
  func values(at shares: [Double]) -> [Double] {
    guard count > 0 else { return shares.map { _ in .nan } }
    let sorted = counts.sorted { $0.key < $1.key }
    return shares.map { share in
      let rank = Self.rank(of: share, among: count)
      var seen: UInt64 = 0
      for (bucket, count) in sorted {
        seen += count
        if seen >= rank { return Self.middle(of: bucket) }
      }
      return .nan
    }
  }

  /// The place of a share in the order of all observations, from 1.
  private static func rank(of share: Double, among count: UInt64) -> UInt64 {
    let exact = share * Double(count)
    // 0.55 of 100 is 55, although it is a little more in binary.
    let nearest = exact.rounded()
    let rank = abs(exact - nearest) <= exact * 0x1p-50 ? nearest : exact.rounded(.up)
    return UInt64(min(max(rank, 1), Double(count)))
  }

  /// Positive buckets count up from 1 with the magnitude, negative ones down from -1; 0 is that of nothing.
  private static func bucket(of value: Double) -> Int64 {
    let magnitude = min(value.magnitude, largest)
    guard magnitude >= smallest else { return 0 }
    let index = Int64(bitPattern: magnitude.bitPattern >> shift)
    return value < 0 ? -index : index
  }

  private static func middle(of bucket: Int64) -> Double {
    guard bucket != 0 else { return 0 }
    let magnitude = bucket.magnitude
    let low = Double(bitPattern: magnitude << shift)
    let high = Double(bitPattern: (magnitude + 1) << shift)
    return bucket < 0 ? -(low + high) / 2 : (low + high) / 2
  }
}
