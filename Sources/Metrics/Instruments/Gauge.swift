import Synchronization

/// A number that goes up and down, such as connections in use.
public final class Gauge: Sendable {
  private let bits = Atomic<UInt64>(0)

  init() {}

  /// Replaces the value.
  public func set(_ value: Double) {
    bits.store(value.bitPattern, ordering: .relaxed)
  }

  /// Replaces the value.
  public func set(_ value: some BinaryInteger) {
    set(Double(value))
  }

  /// Adds an amount.
  public func increment(by amount: Double = 1) {
    var old = bits.load(ordering: .relaxed)
    while true {
      let new = (Double(bitPattern: old) + amount).bitPattern
      let (exchanged, original) = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
      if exchanged { return }
      old = original
    }
  }

  /// Takes an amount away.
  public func decrement(by amount: Double = 1) {
    increment(by: -amount)
  }

  /// The value now.
  public var value: Double {
    Double(bitPattern: bits.load(ordering: .relaxed))
  }
}

extension Gauge: Instrument {
  var reading: Metric.Value { .number(value) }
  var number: Double? { value }
}
