/// Bytes of an exposition that is being written.
///
/// Keeps its memory by hand: a page is some ten thousand small writes, and an array would check and count each.
struct ByteWriter: ~Copyable {
  private var memory: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  private(set) var count = 0

  init(capacity: Int = 64) {
    self.capacity = max(capacity, 1)
    memory = .allocate(capacity: self.capacity)
  }

  deinit {
    memory.deallocate()
  }

  /// What was written so far.
  var bytes: [UInt8] {
    Array(UnsafeBufferPointer(start: memory, count: count))
  }

  /// Makes room for more bytes and returns where they go. Whoever writes them moves `count`.
  @inline(__always)
  private mutating func room(for more: Int) -> UnsafeMutablePointer<UInt8> {
    if capacity - count < more { grow(by: more) }
    return memory + count
  }

  @inline(never)
  private mutating func grow(by more: Int) {
    capacity = max(capacity * 2, count + more)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    larger.update(from: memory, count: count)
    memory.deallocate()
    memory = larger
  }

  @inline(__always)
  mutating func write(byte: UInt8) {
    room(for: 1).pointee = byte
    count += 1
  }

  mutating func write(_ text: StaticString) {
    room(for: text.utf8CodeUnitCount).update(from: text.utf8Start, count: text.utf8CodeUnitCount)
    count += text.utf8CodeUnitCount
  }

  mutating func write(_ more: [UInt8]) {
    more.withUnsafeBufferPointer { write($0) }
  }

  mutating func write(utf8 text: String) {
    var text = text
    text.withUTF8 { write($0) }
  }

  private mutating func write(_ more: UnsafeBufferPointer<UInt8>) {
    guard let source = more.baseAddress else { return }
    room(for: more.count).update(from: source, count: more.count)
    count += more.count
  }

  /// Adds text in which a backslash, a line feed and a double quote are escaped.
  mutating func write(escapedLabelValue text: String) {
    write(escaped: text, quotes: true)
  }

  /// Adds text in which a backslash and a line feed are escaped.
  mutating func write(escapedHelp text: String) {
    write(escaped: text, quotes: false)
  }

  private mutating func write(escaped text: String, quotes: Bool) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): write("\\\\")
      case UInt8(ascii: "\n"): write("\\n")
      case UInt8(ascii: "\"") where quotes: write("\\\"")
      // Prometheus takes it for the end of the page.
      case 0: write("\u{FFFD}")
      default: write(byte: byte)
      }
    }
  }

  /// Adds the shortest text that reads back as the same number; whole numbers without a fraction.
  mutating func write(_ value: Double) {
    // Up to 2^53 every whole number is exact.
    if value.magnitude < 9_007_199_254_740_992, value == value.rounded(.towardZero) {
      if value.sign == .minus, value != 0 { write(byte: UInt8(ascii: "-")) }
      write(UInt64(value.magnitude))
    } else if value.isNaN {
      write("NaN")
    } else if value.isInfinite {
      write(value > 0 ? "+Inf" : "-Inf")
    } else {
      write(utf8: value.description)
    }
  }

  /// Adds a bound or quantile the way OpenMetrics asks for, always with a fraction: `1.0`, `0.25`, `+Inf`.
  mutating func write(canonical value: Double) {
    if value.isInfinite { write(value > 0 ? "+Inf" : "-Inf") } else { write(utf8: value.description) }
  }

  mutating func write(_ value: UInt64) {
    // 20 digits hold every 64-bit number.
    let start = room(for: 20)
    var rest = value
    var length = 1
    while rest >= 10 {
      rest /= 10
      length += 1
    }
    rest = value
    for index in stride(from: length - 1, through: 0, by: -1) {
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      start[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
      rest = quotient
    }
    count += length
  }
}
