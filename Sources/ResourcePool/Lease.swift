/// A resource on loan. Give it back with ``ResourcePool/release(_:isSound:)``, once.
public struct Lease<Resource: Sendable>: Sendable {
  let slot: Int
  /// The pool's generation when the resource was made.
  let generation: UInt64
  /// What was lent.
  public let resource: Resource
}

/// The line of code that asked for a lease.
public struct LeaseOrigin: Sendable, CustomStringConvertible {
  /// `#fileID` of the asking code.
  public let fileID: StaticString
  /// `#line` of the asking code.
  public let line: UInt

  /// From `#fileID` and `#line`.
  public init(fileID: StaticString, line: UInt) {
    self.fileID = fileID
    self.line = line
  }

  /// `fileID:line`.
  public var description: String { "\(fileID):\(line)" }
}

/// Who holds a resource at this moment.
public struct LeaseHolder: Sendable, CustomStringConvertible {
  /// Where the lease was asked for; nil for shared leases, which are too brief to be traced.
  public let origin: LeaseOrigin?
  /// For how long; for shared leases, since when none of them was given back.
  public let held: Duration
  /// How many leases there are on the resource.
  public let count: Int

  /// The place and how long.
  public var description: String {
    guard let origin else { return "\(count) shared for \(held.rounded)" }
    return "\(origin) for \(held.rounded)"
  }
}
