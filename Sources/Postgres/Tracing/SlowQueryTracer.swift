public import StructuredLogging

/// Logs queries: a warning from the threshold on, information when they fail, debug otherwise; also where they lost against
/// another transaction and theirs is run again.
///
/// Statements, parameters and their number are cut: a line of the log is no place for megabytes.
public struct SlowQueryTracer: QueryTracer {
  /// How parameters appear in the log.
  public enum ParameterMode: String, Sendable, CaseIterable {
    /// With their values.
    case full
    /// As their type and a fingerprint: equal values look equal within one process, and cannot be read.
    case fingerprint
    /// Not at all.
    case none
  }

  private static let longestStatement = 4096
  private static let longestParameter = 200
  private static let mostParameters = 100

  private let threshold: Duration
  private let parameters: ParameterMode
  private let logger: Logger

  /// - Parameters:
  ///   - threshold: a query that takes as long or longer is slow. Default 100 ms.
  ///   - parameters: how parameters appear. ``Sensitive`` ones never do.
  public init(threshold: Duration = .milliseconds(100), parameters: ParameterMode = .full, logger: Logger) {
    self.threshold = threshold
    self.parameters = parameters
    self.logger = logger
  }

  /// Logs the end of a query, and what failed of a batch whose statements stand by themselves.
  public func record(_ event: TraceEvent) {
    switch event {
    case .queryEnded(let trace, let duration, let outcome): recordEnd(trace, duration, outcome)
    case .statementFailed(let trace, let error):
      guard logger.isEnabled(.info) else { return }
      var metadata = metadata(trace, nil, .failure(error))
      // Not that of the whole batch.
      if let sql = error.sql { metadata["sql"] = .string(sql.cut(to: Self.longestStatement)) }
      logger.info("query of a batch failed", metadata)
    default: break
    }
  }

  private func recordEnd(_ trace: QueryTrace, _ duration: Duration, _ outcome: Result<Int, any Error>) {
    let isSlow = duration >= threshold
    let isFailed = if case .failure(let error) = outcome { !(error is CancellationError) } else { false }
    // Whoever asked may expect the failure (a duplicate, a conflict that is tried again): it is theirs to warn of.
    let isRunAgain = trace.isRunAgain && outcome.isRetryableFailure
    let level: Logger.Level = isSlow ? .warning : isFailed && !isRunAgain ? .info : .debug
    guard logger.isEnabled(level) else { return }
    let failed = isRunAgain ? "query failed, its transaction is run again" : "query failed"
    let message = isSlow ? "slow query" : isFailed ? failed : "query"
    logger.log(level, message, metadata(trace, duration, outcome))
  }

  /// Logs a query that has been running for long and has not ended yet, as a warning.
  ///
  /// - Parameters:
  ///   - trace: The query.
  ///   - elapsed: For how long it has been running.
  public func reportRunning(_ trace: QueryTrace, for elapsed: Duration) {
    guard logger.isEnabled(.warning) else { return }
    logger.warning("query still running", metadata(trace, elapsed, nil))
  }

  private func metadata(_ trace: QueryTrace, _ duration: Duration?, _ outcome: Result<Int, any Error>?) -> LogMetadata {
    var metadata: LogMetadata = [:]
    if let name = trace.name { metadata["name"] = .string(name) }
    if let duration { metadata["duration"] = .duration(duration) }
    switch outcome {
    case nil: break
    case .success(let rows): metadata["rows"] = .integer(rows)
    case .failure(let error as PostgresError): metadata["error"] = .string(error.sqlState?.rawValue ?? "\(error.code)")
    case .failure(let error): metadata["error"] = .string("\(type(of: error))")
    }
    metadata["sql"] = .string(trace.sql.text.cut(to: Self.longestStatement))
    metadata["pid"] = .integer(trace.processID)
    let values = trace.sql.parameters
    if parameters != .none, !values.isEmpty {
      var described = values.prefix(Self.mostParameters).map(describe)
      if described.count < values.count { described.append("… (\(values.count) parameters)") }
      metadata["parameters"] = .array(described)
    }
    return metadata
  }

  private func describe(_ value: any PostgresEncodable) -> LogValue {
    if value is any SensitiveValue { return "<REDACTED>" }
    switch parameters {
    case .full:
      let text = value.isNull ? "NULL" : value.logDescription(elements: Self.longestParameter)
      return .string(text.cut(to: Self.longestParameter))
    case .fingerprint:
      let text = value.isNull ? "NULL" : value.logDescription(elements: .max)
      // Swift seeds its hash anew in each process.
      let digits = String(UInt32(truncatingIfNeeded: text.hashValue), radix: 16)
      return .string("\(type(of: value).postgresType)#\(digits)")
    case .none: return ""
    }
  }
}

extension Result<Int, any Error> {
  /// A conflict with another transaction.
  fileprivate var isRetryableFailure: Bool {
    if case .failure(let error as PostgresError) = self { error.isRetryable } else { false }
  }
}

/// What ``Sensitive`` is whatever it holds.
protocol SensitiveValue {}
extension Sensitive: SensitiveValue {}
extension Optional: SensitiveValue where Wrapped: SensitiveValue {}

extension PostgresEncodable {
  /// The value as text: an optional without its wrapping, bytes by their number, an array by its first elements.
  fileprivate func logDescription(elements: Int) -> String {
    let mirror = Mirror(reflecting: self)
    if mirror.displayStyle == .optional, let wrapped = mirror.children.first?.value as? any PostgresEncodable {
      return wrapped.logDescription(elements: elements)
    }
    if mirror.displayStyle == .collection, mirror.children.count > elements {
      let first = mirror.children.prefix(elements).map { String(reflecting: $0.value) }
      return "[\(first.joined(separator: ", ")), …]"
    }
    return "\(self)"
  }
}

extension String {
  /// The first so many characters, and how long it is, where it is longer. Looks at no more of it than that.
  fileprivate func cut(to limit: Int) -> String {
    guard utf8.count > limit, let end = unicodeScalars.index(startIndex, offsetBy: limit, limitedBy: endIndex),
      end < endIndex
    else { return self }
    return "\(self[..<end])… (\(utf8.count) bytes)"
  }
}
