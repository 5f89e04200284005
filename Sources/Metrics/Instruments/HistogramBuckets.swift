/// The upper bounds of a histogram's buckets. The bucket above them all, `+Inf`, is always there.
public struct HistogramBuckets: Sendable {
  private final class Storage: Sendable {
    let bounds: [Double]
    /// `le="0.005"` for each bound and last `le="+Inf"`.
    let labels: [[UInt8]]

    init(_ bounds: [Double]) {
      self.bounds = bounds
      labels = (bounds + [.infinity]).map { bound in
        var writer = ByteWriter()
        writer.write("le=\"")
        writer.write(canonical: bound)
        writer.write("\"")
        return writer.bytes
      }
    }
  }

  private let storage: Storage

  /// Makes buckets with these upper bounds, which must rise; a final infinity may be left out.
  public init(_ bounds: [Double]) {
    storage = Storage(bounds.last == .infinity ? bounds.dropLast() : bounds)
  }

  /// Bounds for the seconds that requests and queries take: 5 ms to 10 s.
  public static let `default` = HistogramBuckets([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])

  /// Bounds that grow by a factor: `start`, `start * factor`, and so on.
  public static func exponential(start: Double, factor: Double, count: Int) -> HistogramBuckets {
    var bounds: [Double] = []
    var bound = start
    for _ in 0..<max(count, 0) {
      bounds.append(bound)
      bound *= factor
    }
    return HistogramBuckets(bounds)
  }

  /// Bounds at equal distance: `start`, `start + width`, and so on.
  public static func linear(start: Double, width: Double, count: Int) -> HistogramBuckets {
    HistogramBuckets((0..<max(count, 0)).map { start + Double($0) * width })
  }

  /// The bounds, without infinity.
  public var bounds: [Double] { storage.bounds }

  var labels: [[UInt8]] { storage.labels }

  /// The bucket of a value: the first whose bound is not below it, or that above all bounds.
  func index(of value: Double) -> Int {
    let bounds = storage.bounds
    // A straight run is the fastest for the usual dozen of bounds: its branches are predicted.
    if bounds.count <= 16 {
      var index = 0
      while index < bounds.count, value > bounds[index] { index += 1 }
      return index
    }
    var (low, high) = (0, bounds.count)
    while low < high {
      let middle = (low + high) / 2
      if value > bounds[middle] { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension HistogramBuckets: Hashable {
  /// Whether the bounds are the same.
  public static func == (left: Self, right: Self) -> Bool {
    left.storage === right.storage || left.bounds == right.bounds
  }

  /// Feeds the bounds to the hasher.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(bounds)
  }
}

extension HistogramBuckets: ExpressibleByArrayLiteral {
  /// Makes buckets with these upper bounds.
  public init(arrayLiteral bounds: Double...) {
    self.init(bounds)
  }
}
