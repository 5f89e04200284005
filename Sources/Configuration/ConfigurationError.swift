/// Everything that is wrong with a configuration, in one report.
public struct ConfigurationError: Error, Sendable, Hashable {
  /// The faults: those of the file by line, then environment, flags and declarations. Never empty.
  public let faults: [ConfigurationFault]

  /// A report of one fault.
  public init(_ first: ConfigurationFault) {
    faults = [first]
  }

  /// Nil when there is no fault.
  init?(_ faults: [ConfigurationFault]) {
    guard !faults.isEmpty else { return nil }
    self.faults = faults
  }
}

extension ConfigurationError: CustomStringConvertible {
  /// The fault, or one line for each after a line that counts them. Holds no secret value.
  public var description: String {
    if faults.count == 1 { return faults[0].description }
    return "\(faults.count) faults in the configuration:\n" + faults.map { "  \($0)" }.joined(separator: "\n")
  }
}
