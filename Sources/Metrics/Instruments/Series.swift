/// An instrument with its labels, and the text of both that every page repeats.
///
/// A class, so that going over thousands of them counts one reference each.
final class Series: Sendable {
  let descriptor: MetricDescriptor
  let labels: MetricLabels
  let instrument: any Instrument
  /// The sample up to its value: `requests_total{method="GET"} `.
  let head: [UInt8]

  init(_ descriptor: MetricDescriptor, _ labels: MetricLabels, _ instrument: any Instrument) {
    self.descriptor = descriptor
    self.labels = labels
    self.instrument = instrument
    var writer = ByteWriter()
    writer.write(descriptor.nameBytes)
    writer.write(labels.isEmpty ? " " : "{")
    if !labels.isEmpty {
      writer.write(labels.rendered)
      writer.write("} ")
    }
    head = writer.bytes
  }

  func metric(_ detail: MetricDetail) -> Metric {
    var metric = Metric(instrument.reading, labels: labels)
    if detail.exemplars { metric.exemplars = instrument.exemplars }
    if detail.created { metric.created = instrument.created }
    return metric
  }
}

/// What is read of a series beside its value.
struct MetricDetail {
  var exemplars = false
  var created = false
}
