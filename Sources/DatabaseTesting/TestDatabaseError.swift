/// A test ended and somebody still held a connection of its pool.
public struct TestDatabaseError: Error, CustomStringConvertible {
  /// Who held one, and since when.
  public let holders: [String]

  /// Names the holders.
  public var description: String {
    "the test returned, but connections of its pool were not given back: " + holders.joined(separator: "; ")
  }
}
