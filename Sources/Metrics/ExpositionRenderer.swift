/// Writes families as a page.
struct ExpositionRenderer {
  private var writer: ByteWriter

  /// - Parameter capacity: The size that the page will likely have.
  init(capacity: Int) {
    writer = ByteWriter(capacity: capacity)
  }

  var page: [UInt8] { writer.bytes }

  mutating func write(_ descriptor: MetricDescriptor, _ metrics: [Metric]) {
    guard !metrics.isEmpty else { return }
    writer.write(descriptor.textHeader)
    for metric in metrics {
      switch metric.value {
      case .number(let value):
        start(descriptor, "", metric.labels)
        writer.write(value)
        writer.write("\n")
      case .histogram(let snapshot): write(snapshot, descriptor, metric.labels)
      }
    }
  }

  private mutating func write(_ snapshot: HistogramSnapshot, _ descriptor: MetricDescriptor, _ labels: MetricLabels) {
    var cumulative: UInt64 = 0
    for (count, bound) in zip(snapshot.counts, snapshot.buckets.labels) {
      cumulative &+= count
      writer.write(descriptor.nameBytes)
      writer.write("_bucket{")
      if !labels.rendered.isEmpty {
        writer.write(labels.rendered)
        writer.write(",")
      }
      writer.write(bound)
      writer.write("} ")
      writer.write(cumulative)
      writer.write("\n")
    }
    start(descriptor, "_sum", labels)
    writer.write(snapshot.sum)
    writer.write("\n")
    start(descriptor, "_count", labels)
    writer.write(cumulative)
    writer.write("\n")
  }

  /// Writes the name and labels of a sample, up to its value.
  private mutating func start(_ descriptor: MetricDescriptor, _ suffix: StaticString, _ labels: MetricLabels) {
    writer.write(descriptor.nameBytes)
    writer.write(suffix)
    if labels.rendered.isEmpty {
      writer.write(" ")
    } else {
      writer.write("{")
      writer.write(labels.rendered)
      writer.write("} ")
    }
  }
}
