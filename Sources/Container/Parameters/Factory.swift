/// Makes a new value each time it is called: ask for it as a parameter, of a type provided with ``Lifetime/transient``.
///
/// A constructor may call a factory of its own type, for a tree for instance; 100 deep is taken for endless and throws.
///
/// ```swift
/// Provide(Mail.init(template:)).lifetime(.transient)
/// Provide { (mails: Factory<Mail>) in Outbox(mails) }        // try await mails()
/// ```
public struct Factory<Value: Sendable>: Sendable {
  private let make: @Sendable () async throws -> Value

  /// A factory made of a function, for calling by hand what the container would call.
  public init(_ make: @escaping @Sendable () async throws -> Value) {
    self.make = make
  }

  init(_ deferred: Deferred) {
    make = { try await deferred.box().value(as: Value.self) }
  }

  /// A new value.
  public func callAsFunction() async throws -> Value { try await make() }
}

extension Factory: Injectable {
  static var requirement: Requirement { Requirement(key: Key(Value.self), access: .factory, whole: Key(Self.self)) }

  static func inject(_ injector: Injector, _ index: Int) throws -> Factory<Value> {
    guard case .factory(let source) = injector.binding(index) else { throw injector.defect }
    return Factory(Deferred(injector, source))
  }
}
