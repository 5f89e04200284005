import Synchronization

/// A metric with labels: an instrument for each combination of label values.
///
/// ```swift
/// let requests = try registry.counter("http_requests_total", help: "Requests served.", labels: ["method", "status"])
/// requests.with("GET", "200").increment()
/// ```
///
/// Finding an instrument takes a lock and a look-up; code that runs often keeps the instrument.
///
/// The number of series is capped, since each costs memory here and in Prometheus for as long as the process lives.
/// Beyond the cap, and when the number of values is not that of the labels, the series whose labels all say `other` is
/// used, and `metrics_series_overflow_total` counts each such use.
public final class LabeledFamily<Instrument: Sendable>: Sendable {
  private enum Key: Hashable {
    case one(String)
    case several([String])
  }

  private struct Series {
    var labels: MetricLabels
    var instrument: Instrument
  }

  private struct State {
    var instruments: [Key: Instrument] = [:]
    var series: [Series] = []
    var other: Instrument?
  }

  /// What the metric is.
  public let descriptor: MetricDescriptor
  private let maxSeries: Int
  private let overflow: Counter
  private let make: @Sendable () -> Instrument
  private let read: @Sendable (Instrument) -> Metric.Value
  private let state = Mutex(State())

  init(
    _ descriptor: MetricDescriptor, maxSeries: Int, overflow: Counter, make: @escaping @Sendable () -> Instrument,
    read: @escaping @Sendable (Instrument) -> Metric.Value
  ) {
    self.descriptor = descriptor
    self.maxSeries = maxSeries
    self.overflow = overflow
    self.make = make
    self.read = read
  }

  /// The instrument for these label values, in the order of the label names.
  public func with(_ value: String) -> Instrument {
    find(.one(value), [value])
  }

  /// The instrument for these label values, in the order of the label names.
  public func with(_ values: String...) -> Instrument {
    with(values)
  }

  /// The instrument for these label values, in the order of the label names.
  public func with(_ values: [String]) -> Instrument {
    values.count == 1 ? find(.one(values[0]), values) : find(.several(values), values)
  }

  /// Forgets the series with these label values. Its instrument counts on unseen.
  public func remove(_ values: String...) {
    let key: Key = values.count == 1 ? .one(values[0]) : .several(values)
    state.withLock { state in
      guard state.instruments.removeValue(forKey: key) != nil else { return }
      state.series.removeAll { $0.labels.pairs.map(\.value) == values }
    }
  }

  private func find(_ key: Key, _ values: @autoclosure () -> [String]) -> Instrument {
    state.withLock { state in
      if let known = state.instruments[key] { return known }
      let values = values()
      guard values.count == descriptor.labelNames.count, state.instruments.count < maxSeries else {
        overflow.increment()
        return other(&state)
      }
      let instrument = make()
      state.instruments[key] = instrument
      state.series.append(Series(labels: labels(values), instrument: instrument))
      return instrument
    }
  }

  private func other(_ state: inout State) -> Instrument {
    if let other = state.other { return other }
    let values = descriptor.labelNames.map { _ in "other" }
    let key: Key = values.count == 1 ? .one(values[0]) : .several(values)
    // Somebody may have used the value `other` in earnest: then that is the series.
    let instrument = state.instruments[key] ?? make()
    if state.instruments.updateValue(instrument, forKey: key) == nil {
      state.series.append(Series(labels: labels(values), instrument: instrument))
    }
    state.other = instrument
    return instrument
  }

  private func labels(_ values: [String]) -> MetricLabels {
    MetricLabels(zip(descriptor.labelNames, values).map { (name: $0, value: $1) })
  }
}

extension LabeledFamily: MetricSource {
  func collect() -> [Metric] {
    let series = state.withLock { $0.series }
    return series.map { Metric(read($0.instrument), labels: $0.labels) }
  }
}

/// Counters by label values.
public typealias CounterFamily = LabeledFamily<Counter>
/// Gauges by label values.
public typealias GaugeFamily = LabeledFamily<Gauge>
/// Histograms by label values.
public typealias HistogramFamily = LabeledFamily<Histogram>
