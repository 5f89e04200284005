internal import Synchronization

/// The last ten minutes of a pool's gauges.
final class PoolHistory: Sendable {
  struct Sample: Sendable, Hashable {
    let acquired: Int
    let total: Int
    let waiting: Int
  }

  static let interval = Duration.seconds(5)
  static let length = 120

  private let ring = Mutex<[Sample]>([])

  func add(_ sample: Sample) {
    ring.withLock { samples in
      if samples.count == Self.length { samples.removeFirst() }
      samples.append(sample)
    }
  }

  /// The oldest first.
  var samples: [Sample] { ring.withLock { $0 } }

  /// A picture: connections in use as an area, those open as a line, waiting tasks as bars from the top.
  func svg(max: Int) -> String {
    let samples = samples
    let (width, height) = (480, 80)
    let scale = Double(height - 4) / Double(Swift.max(max, samples.map(\.total).max() ?? 1, 1))
    let step = Double(width) / Double(Self.length - 1)
    let offset = Self.length - samples.count
    func x(_ index: Int) -> Int { Int((Double(offset + index) * step).rounded()) }
    func y(_ value: Int) -> Int { height - 2 - Int((Double(value) * scale).rounded()) }
    let used = samples.enumerated().map { "\(x($0)),\(y($1.acquired))" }.joined(separator: " ")
    let open = samples.enumerated().map { "\(x($0)),\(y($1.total))" }.joined(separator: " ")
    let waiting = samples.enumerated().filter { $1.waiting > 0 }.map { index, sample in
      "<rect class=\"wait\" x=\"\(x(index) - 1)\" y=\"0\" width=\"3\" height=\"\(Swift.min(height, 4 + sample.waiting * 2))\"/>"
    }
    let most = samples.map(\.acquired).max() ?? 0
    let label = "Connections of the last ten minutes: at most \(most) of \(max) in use at once"
    return """
      <svg class="history" viewBox="0 0 \(width) \(height)" role="img" aria-label="\(label)" preserveAspectRatio="none">
      <line class="max" x1="0" x2="\(width)" y1="\(y(max))" y2="\(y(max))"/>
      <polygon class="used" points="\(x(0)),\(height) \(used) \(width),\(height)"/>
      <polyline class="open" points="\(open)"/>
      \(waiting.joined())
      </svg>
      """
  }
}
