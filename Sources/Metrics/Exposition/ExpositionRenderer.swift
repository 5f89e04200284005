/// Writes families as a page.
struct ExpositionRenderer: ~Copyable {
  /// What the page shows of a series beside its value.
  let detail: MetricDetail
  private let isOpenMetrics: Bool
  private var writer: ByteWriter

  /// - Parameter capacity: The size that the page will likely have.
  init(_ format: ExpositionFormat, createdSamples: Bool, capacity: Int) {
    isOpenMetrics = format == .openMetrics
    detail = MetricDetail(exemplars: isOpenMetrics, created: isOpenMetrics && createdSamples)
    writer = ByteWriter(capacity: capacity)
  }

  /// Ends the page and returns it.
  mutating func finish() -> [UInt8] {
    if isOpenMetrics { writer.write("# EOF\n") }
    return writer.bytes
  }

  /// Writes a family, nothing when it has no series.
  mutating func write(_ descriptor: MetricDescriptor, _ metrics: [Metric]) {
    guard !metrics.isEmpty else { return }
    begin(descriptor)
    for metric in metrics { write(descriptor, metric) }
  }

  /// Writes what stands before the series of a family.
  mutating func begin(_ descriptor: MetricDescriptor) {
    writer.write(isOpenMetrics ? descriptor.openMetricsHeader : descriptor.textHeader)
  }

  /// Writes the series of an instrument.
  mutating func write(_ series: Series) {
    // Most of a page is numbers, which take three writes in the text format.
    guard !isOpenMetrics, let number = series.instrument.number else {
      return write(series.descriptor, series.metric(detail))
    }
    writer.write(series.head)
    writer.write(number)
    writer.write(byte: UInt8(ascii: "\n"))
  }

  /// Writes a series.
  mutating func write(_ descriptor: MetricDescriptor, _ metric: Metric) {
    switch metric.value {
    case .number(let value):
      start(descriptor.nameBytes, "", metric.labels)
      writer.write(value)
      // Of the mere numbers only counters may have one.
      if isOpenMetrics, descriptor.type == .counter, let exemplar = metric.exemplars.first { write(exemplar) }
      writer.write(byte: UInt8(ascii: "\n"))
    case .histogram(let snapshot): write(snapshot, descriptor, metric)
    case .summary(let snapshot): write(snapshot, descriptor, metric)
    }
    if detail.created, descriptor.type.counts, let created = metric.created {
      start(descriptor.familyNameBytes, "_created", metric.labels)
      writer.write(created)
      writer.write(byte: UInt8(ascii: "\n"))
    }
  }

  private mutating func write(_ snapshot: HistogramSnapshot, _ descriptor: MetricDescriptor, _ metric: Metric) {
    var cumulative: UInt64 = 0
    for index in snapshot.counts.indices {
      cumulative &+= snapshot.counts[index]
      start(descriptor.nameBytes, "_bucket", metric.labels, snapshot.buckets.labels[index])
      writer.write(cumulative)
      if isOpenMetrics, index < metric.exemplars.count { write(metric.exemplars[index]) }
      writer.write(byte: UInt8(ascii: "\n"))
    }
    // OpenMetrics wants sums that never fall, so there is none where values may be negative, and no count without it.
    let mayFall = (snapshot.buckets.bounds.first ?? 0) < 0 || !(snapshot.sum >= 0)
    if isOpenMetrics, mayFall { return }
    write(sum: snapshot.sum, count: cumulative, descriptor, metric.labels)
  }

  private mutating func write(_ snapshot: SummarySnapshot, _ descriptor: MetricDescriptor, _ metric: Metric) {
    for quantile in snapshot.quantiles {
      var label = ByteWriter()
      label.write("quantile=\"")
      label.write(canonical: quantile.share)
      label.write("\"")
      start(descriptor.nameBytes, "", metric.labels, label.bytes)
      writer.write(quantile.value)
      writer.write(byte: UInt8(ascii: "\n"))
    }
    if isOpenMetrics, !(snapshot.sum >= 0) { return }
    write(sum: snapshot.sum, count: snapshot.count, descriptor, metric.labels)
  }

  private mutating func write(sum: Double, count: UInt64, _ descriptor: MetricDescriptor, _ labels: MetricLabels) {
    start(descriptor.nameBytes, "_sum", labels)
    writer.write(sum)
    writer.write("\n")
    start(descriptor.nameBytes, "_count", labels)
    writer.write(count)
    writer.write("\n")
  }

  private mutating func write(_ exemplar: Exemplar?) {
    guard let exemplar else { return }
    writer.write(" # {")
    writer.write(exemplar.labels.rendered)
    writer.write("} ")
    writer.write(exemplar.value)
    writer.write(" ")
    writer.write(exemplar.timestamp)
  }

  /// Writes the name and labels of a sample, up to its value.
  private mutating func start(_ name: [UInt8], _ suffix: StaticString, _ labels: MetricLabels) {
    writer.write(name)
    writer.write(suffix)
    if labels.isEmpty {
      writer.write(byte: UInt8(ascii: " "))
    } else {
      writer.write(byte: UInt8(ascii: "{"))
      writer.write(labels.rendered)
      writer.write("} ")
    }
  }

  /// Writes the name and labels of a sample that has one label more, up to its value.
  private mutating func start(_ name: [UInt8], _ suffix: StaticString, _ labels: MetricLabels, _ further: [UInt8]) {
    writer.write(name)
    writer.write(suffix)
    writer.write(byte: UInt8(ascii: "{"))
    if !labels.isEmpty {
      writer.write(labels.rendered)
      writer.write(byte: UInt8(ascii: ","))
    }
    writer.write(further)
    writer.write("} ")
  }
}
