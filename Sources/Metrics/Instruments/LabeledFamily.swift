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
/// Beyond the cap the series whose labels all say `other` is used, and `metrics_series_overflow_total` counts each such use.
/// That series is used too when the number of values is not that of the labels: `metrics_label_mismatch_total` counts it then.
public final class LabeledFamily<Instrument: AnyObject & Sendable>: Sendable {
  private let store: SeriesStore

  /// - Parameter store: Makes instruments of this type only.
  private init(store: SeriesStore) {
    self.store = store
  }

  /// What the metric is.
  public var descriptor: MetricDescriptor { store.descriptor }

  /// The instrument for this label value.
  public func with(_ value: String) -> Instrument {
    find(.one(value))
  }

  /// The instrument for these label values, in the order of the label names.
  public func with(_ values: String...) -> Instrument {
    find(SeriesStore.Key(values))
  }

  /// The instrument for these label values, in the order of the label names.
  public func with(_ values: [String]) -> Instrument {
    find(SeriesStore.Key(values))
  }

  /// Forgets the series with these label values. Its instrument counts on unseen.
  public func remove(_ values: String...) {
    store.remove(SeriesStore.Key(values))
  }

  private func find(_ key: SeriesStore.Key) -> Instrument {
    // The store holds nothing but what `make` below returned, which is an `Instrument`.
    unsafeDowncast(store.find(key), to: Instrument.self)
  }

  /// Makes a family and the store behind it.
  static func make(
    _ descriptor: MetricDescriptor, maxSeries: Int, overflow: Counter, mismatches: Counter,
    make: @escaping @Sendable () -> Instrument
  ) -> (family: LabeledFamily, source: any MetricSource) where Instrument: PrometheusMetrics.Instrument {
    let store = SeriesStore(descriptor, maxSeries: maxSeries, overflow: overflow, mismatches: mismatches, make: make)
    return (LabeledFamily(store: store), store)
  }
}

/// Counters by label values.
public typealias CounterFamily = LabeledFamily<Counter>
/// Gauges by label values.
public typealias GaugeFamily = LabeledFamily<Gauge>
/// Histograms by label values.
public typealias HistogramFamily = LabeledFamily<Histogram>
/// Summaries by label values.
public typealias SummaryFamily = LabeledFamily<Summary>
