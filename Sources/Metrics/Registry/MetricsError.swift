/// A metric that cannot be registered, and why.
public struct MetricsError: Error, Sendable, Hashable {
  /// What kind of mistake it is.
  public struct Code: Sendable, Hashable {
    private enum Kind { case invalidName, invalidHelp, invalidLabel, invalidBuckets, invalidQuantiles, duplicate }

    private let kind: Kind

    /// The name breaks the format's grammar or the conventions for units and suffixes.
    public static let invalidName = Code(kind: .invalidName)
    /// There is no help text.
    public static let invalidHelp = Code(kind: .invalidHelp)
    /// A label's name breaks the grammar, is reserved or stands twice.
    public static let invalidLabel = Code(kind: .invalidLabel)
    /// The bounds of a histogram do not rise.
    public static let invalidBuckets = Code(kind: .invalidBuckets)
    /// The quantiles of a summary are not shares.
    public static let invalidQuantiles = Code(kind: .invalidQuantiles)
    /// A metric of this name is registered already.
    public static let duplicate = Code(kind: .duplicate)
  }

  /// What kind of mistake it is.
  public let code: Code
  /// The name of the metric.
  public let metric: String
  /// What is wrong and what to do.
  public let message: String

  init(_ code: Code, _ metric: String, _ message: String) {
    self.code = code
    self.metric = metric
    self.message = message
  }
}

extension MetricsError: CustomStringConvertible {
  /// The metric's name and what is wrong with it.
  public var description: String {
    "metric '\(metric)': \(message)"
  }
}
