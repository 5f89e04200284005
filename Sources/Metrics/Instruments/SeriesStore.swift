import Synchronization

/// The series of a metric with labels: finds, makes, caps and lists them.
///
/// Not generic over the instrument, since code of another module would then run it unspecialised, several times slower.
final class SeriesStore: Sendable {
  enum Key: Hashable {
    case one(String)
    case several([String])

    init(_ values: [String]) {
      self = values.count == 1 ? .one(values[0]) : .several(values)
    }

    var values: [String] {
      switch self {
      case .one(let value): [value]
      case .several(let values): values
      }
    }
  }

  private struct State {
    var instruments: [Key: any Instrument] = [:]
    var series: [Series] = []
    var other: (any Instrument)?
  }

  let descriptor: MetricDescriptor
  private let maxSeries: Int
  private let overflow: Counter
  private let mismatches: Counter
  private let make: @Sendable () -> any Instrument
  private let state = Mutex(State())

  /// - Parameters:
  ///   - maxSeries: How many series there may be before `other` takes the rest.
  ///   - overflow: Counts each use of `other` for that.
  ///   - mismatches: Counts each use of `other` for label values that are too few or too many.
  ///   - make: Makes the instrument of a new series.
  init(
    _ descriptor: MetricDescriptor, maxSeries: Int, overflow: Counter, mismatches: Counter,
    make: @escaping @Sendable () -> any Instrument
  ) {
    self.descriptor = descriptor
    self.maxSeries = maxSeries
    self.overflow = overflow
    self.mismatches = mismatches
    self.make = make
  }

  /// The instrument of these label values, made at the first use.
  func find(_ key: Key) -> any Instrument {
    state.withLock { state in
      if let known = state.instruments[key] { return known }
      guard key.values.count == descriptor.labelNames.count else {
        mismatches.increment()
        return other(&state)
      }
      guard state.instruments.count < maxSeries else {
        overflow.increment()
        return other(&state)
      }
      return add(key, &state)
    }
  }

  func remove(_ key: Key) {
    state.withLock { state in
      guard let instrument = state.instruments.removeValue(forKey: key) else { return }
      // Not by its labels: as keys, two spellings of one text in Unicode are the same.
      state.series.removeAll { $0.instrument === instrument }
      if key == otherKey { state.other = nil }
    }
  }

  private func add(_ key: Key, _ state: inout State) -> any Instrument {
    let instrument = make()
    state.instruments[key] = instrument
    state.series.append(Series(descriptor, labels(key), instrument))
    return instrument
  }

  private func other(_ state: inout State) -> any Instrument {
    if let other = state.other { return other }
    // Somebody may have used the value `other` in earnest: then that is the series.
    let other = state.instruments[otherKey] ?? add(otherKey, &state)
    state.other = other
    return other
  }

  private var otherKey: Key {
    Key(descriptor.labelNames.map { _ in "other" })
  }

  private func labels(_ key: Key) -> MetricLabels {
    MetricLabels(zip(descriptor.labelNames, key.values).map { (name: $0, value: $1) })
  }
}

extension SeriesStore: MetricSource {
  func collect(_ detail: MetricDetail) -> [Metric] {
    let series = state.withLock { $0.series }
    return series.map { $0.metric(detail) }
  }

  func write(to renderer: inout ExpositionRenderer) {
    let series = state.withLock { $0.series }
    guard !series.isEmpty else { return }
    renderer.begin(descriptor)
    // A span lends its elements, where an array would hand out copies that count references.
    let span = series.span
    for index in span.indices { renderer.write(span[index]) }
  }
}
