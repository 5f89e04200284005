/// A value that is built when it is first asked for, not with the app: ask for it as a parameter.
///
/// What nothing but a `Lazy` reaches costs nothing at start. The value is built once, with all that it needs, and started; who
/// holds the `Lazy` is stopped before it. A cycle of values is broken by a `Lazy` in it, so long as it is opened later.
///
/// ```swift
/// struct Reports { let renderer: Lazy<PDFRenderer>
///   func print() async throws { try await renderer.get().print() } }
/// ```
public struct Lazy<Value: Sendable>: Sendable {
  private let open: @Sendable () async throws -> Value
  private let deferred: Deferred?

  /// A lazy value made by a function, for calling by hand what the container would call.
  public init(_ open: @escaping @Sendable () async throws -> Value) {
    self.open = open
    deferred = nil
  }

  init(_ deferred: Deferred) {
    self.deferred = deferred
    open = { try await deferred.box().value(as: Value.self) }
  }

  /// The value, built now if it has not been.
  ///
  /// - Throws: What its constructor throws; the next call tries again.
  public nonisolated(nonsending) func get() async throws -> Value {
    if let box = deferred?.built { return box.value(as: Value.self) }
    return try await open()
  }
}

extension Lazy: Injectable {
  static var requirement: Requirement { Requirement(key: Key(Value.self), access: .lazy, whole: Key(Self.self)) }

  static func inject(_ injector: Injector, _ index: Int) throws -> Lazy<Value> {
    guard case .lazy(let source) = injector.binding(index) else { throw injector.defect }
    return Lazy(Deferred(injector, source))
  }
}
