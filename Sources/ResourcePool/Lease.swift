internal import CTaskRuntime

/// A resource on loan. Give it back with ``ResourcePool/release(_:isSound:)``, once.
public struct Lease<Resource: Sendable>: Sendable {
  @usableFromInline let grant: LeaseGrant
  /// What was lent.
  public let resource: Resource
  /// Whether the task that asked, or one that started it, has another resource of the pool to itself: a deadlock in
  /// waiting.
  @inlinable public var isNested: Bool { grant.isNested }

  @inlinable
  init(grant: LeaseGrant, resource: Resource) {
    self.grant = grant
    self.resource = resource
  }
}

/// A lease as the machine knows it.
@usableFromInline
struct LeaseGrant: Sendable {
  @usableFromInline let slot: Int
  /// The pool's generation when the making of the resource began.
  let generation: UInt64
  /// The task that asked, or one that started it, has another resource to itself.
  @usableFromInline let isNested: Bool
}

/// The line of code that asked for a lease.
public struct LeaseOrigin: Sendable, CustomStringConvertible {
  /// `#fileID` of the asking code.
  public let fileID: StaticString
  /// `#line` of the asking code.
  public let line: UInt
  /// What the lease is for, where that has a name.
  public let name: String?
  /// The task that asks; 0 when that is not known.
  let task: UInt
  /// Whether that task holds the lease until it gives it back itself.
  let isScoped: Bool
  /// The tasks in whose scopes that task was started; nil for none, which costs less to copy than an empty list.
  let holders: [OuterHolder]?

  /// From `#fileID` and `#line`.
  public init(fileID: StaticString, line: UInt, name: String? = nil) {
    self.init(fileID: fileID, line: line, name: name, task: 0, isScoped: false, holders: nil)
  }

  /// By a task: ``currentTask``.
  @usableFromInline
  package init(
    fileID: StaticString, line: UInt, name: String? = nil, task: UInt, isScoped: Bool = true,
    holders: [OuterHolder]? = LeaseScope.holders
  ) {
    self.fileID = fileID
    self.line = line
    self.name = name
    self.task = task
    self.isScoped = isScoped
    self.holders = holders
  }

  /// The tasks that do nothing more until this acquire is answered, as far as that is certain.
  var waitingTasks: [UInt] { [task] + (holders ?? []).filter(\.isAwaiting).map(\.task) }

  /// The tasks that hold what they hold while this acquire is under way: to be asked for a resource of theirs.
  func isNested(in task: UInt) -> Bool { task == self.task || holders?.contains { $0.task == task } == true }

  /// Tells the running task from all others that run now; 0 outside of any.
  @usableFromInline package static var currentTask: UInt { UInt(bitPattern: runningTask()) }

  /// `fileID:line`, with the name before it.
  public var description: String { name.map { "\($0) (\(fileID):\(line))" } ?? "\(fileID):\(line)" }
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
