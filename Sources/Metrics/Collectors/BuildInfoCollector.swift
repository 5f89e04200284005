/// Says which build runs, as the labels of `build_info`.
public struct BuildInfoCollector: MetricsCollector {
  private let descriptor: MetricDescriptor
  private let labels: MetricLabels

  /// Makes a collector.
  ///
  /// - Parameters:
  ///   - name: The name of the program.
  ///   - version: Its version.
  ///   - revision: The source revision it was built from; empty when not known.
  public init(name: String, version: String, revision: String = "") {
    let known = [("name", name), ("version", version), ("revision", revision), ("swift", Self.swiftVersion)]
    let pairs = known.filter { !$0.1.isEmpty }.map { (name: $0.0, value: $0.1) }
    labels = MetricLabels(pairs)
    descriptor = MetricDescriptor(
      "build_info", .info, help: "The build that runs, as labels; the value is 1.", labels: pairs.map(\.name))
  }

  /// `build_info`.
  public var descriptors: [MetricDescriptor] { [descriptor] }

  /// The labels with the value 1.
  public func collect() -> [MetricFamily] {
    [MetricFamily(descriptor, 1, labels: labels)]
  }

  private static var swiftVersion: String {
    #if swift(>=6.4)
      "6.4"
    #elseif swift(>=6.3)
      "6.3"
    #elseif swift(>=6.2)
      "6.2"
    #else
      "6"
    #endif
  }
}
