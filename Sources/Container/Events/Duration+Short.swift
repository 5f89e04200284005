extension Duration {
  /// For people: `1.2 s`, `35 ms`, `3.5 ms`, `12 µs`.
  var short: String {
    // Not by `components`, which trap on what is more than Int64.max seconds, as the sum of two budgets without limit.
    if self < .zero { return "-" + (.zero - self).short }
    let micros = self / .microseconds(1)
    switch micros {
    case ..<1000: return "\(Int(micros)) µs"
    case ..<10_000: return "\((micros / 100).rounded() / 10) ms"
    case ..<1_000_000: return "\(Int(micros / 1000)) ms"
    default: return "\((micros / 100_000).rounded() / 10) s"
    }
  }

  /// With three decimals, which is microseconds.
  var milliseconds: Double { (self / .microseconds(1)).rounded() / 1000 }
}
