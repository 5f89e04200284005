extension Provide {
  /// Binds the value to another type, usually a protocol; it is then asked for by that type alone.
  ///
  /// The compiler checks the conversion: `.as((any UserRepository).self) { $0 }`.
  public func `as`<Other: Sendable>(
    _ type: Other.Type, _ convert: @escaping @Sendable (Output) -> Other
  ) -> Provide<Other> {
    Provide<Other>(declaration.converting(from: Output.self, convert))
  }

  /// What the compiler takes for a value that is not of the type: without it all it says is that it has failed to say what is
  /// wrong.
  @available(
    *, unavailable,
    message: "the value is not of this type: let its type conform to the protocol, or convert it in the closure"
  )
  @_disfavoredOverload
  public func `as`<Other: Sendable>(
    _ type: Other.Type, _ convert: @escaping @Sendable (Output) -> Output
  ) -> Provide<Other> {
    // Never called: the compiler refuses who would.
    fatalError("unavailable")
  }

  /// Provides the value under a tag: it is asked for as `Tagged<Name, Output>`.
  public func tagged<Name: Tag>(_ tag: Name.Type) -> Provide<Tagged<Name, Output>> {
    Provide<Tagged<Name, Output>>(declaration.converting(from: Output.self) { Tagged<Name, Output>($0) })
  }

  /// Contributes the value to the group of its type: it is asked for as `Group<Output>`, with all others.
  ///
  /// - Parameter order: Members come in this order, those of one order in the order of the modules.
  public func grouped(order: Int = 0) -> Self {
    with {
      $0.isGrouped = true
      $0.groupOrder = order
    }
  }

  /// Hides the value from all but the module it is declared in, and that module's children.
  ///
  /// Inside, it comes before a value of the same type that is provided outside.
  public func `private`() -> Self {
    with { $0.isPrivate = true }
  }

  /// Builds and starts the value with the app, even if nothing asks for it. Of a singleton only; ``App/validate()`` notes it
  /// on any other.
  public func eager() -> Self {
    with { $0.isEager = true }
  }

  /// Says that the value is there for apps that want it, so that ``App/validate()`` does not note it in the others: who uses a
  /// module of the framework can do nothing about what is in it.
  package func offered() -> Self {
    with { $0.isOffered = true }
  }

  /// Says how long the value lives; ``Lifetime/singleton`` if this is not called.
  public func lifetime(_ lifetime: Lifetime) -> Self {
    with { $0.lifetime = lifetime }
  }

  /// Runs `action` when the app starts, after the value has been built and all that it depends on has been started.
  ///
  /// What needs the value waits until the action has returned. If it throws, or takes longer than its timeout, the start fails
  /// and all that had started is stopped.
  ///
  /// - Parameters:
  ///   - timeout: How long it may take; the app's ``App/Options/hookTimeout`` if `nil`.
  ///   - action: The work. Parameters after the value are further dependencies.
  public func onStart<each Dependency: Sendable>(
    timeout: Duration? = nil,
    _ action: @escaping @Sendable (Output, repeat each Dependency) async throws -> Void,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Self {
    with { declaration in
      declaration.addStart(Site(fileID: file, line: line), timeout, action)
    }
  }

  /// Runs `action` when the app stops, after everything that depends on the value has stopped.
  ///
  /// It runs only if the value was built and the action of the ``onStart(timeout:_:file:line:)`` it is paired with succeeded.
  ///
  /// - Parameters:
  ///   - timeout: How long it may take; the app's ``App/Options/hookTimeout`` if `nil`.
  ///   - action: The work. Parameters after the value are further dependencies.
  public func onStop<each Dependency: Sendable>(
    timeout: Duration? = nil,
    _ action: @escaping @Sendable (Output, repeat each Dependency) async throws -> Void,
    file: StaticString = #fileID, line: UInt = #line
  ) -> Self {
    with { declaration in
      declaration.addStop(Site(fileID: file, line: line), timeout, action)
    }
  }

  private func with(_ change: (inout Declaration.Fields) -> Void) -> Self {
    Self(declaration.with(change))
  }
}

extension Declaration {
  /// The same declaration with its value passed through `convert`.
  func converting<Value: Sendable, Other: Sendable>(
    from type: Value.Type, _ convert: @escaping @Sendable (Value) -> Other
  ) -> Declaration {
    with {
      $0.outputs = [Key(Other.self)]
      $0.binds = []
      $0.make = { injector in
        // Hooks that have been added so far concern the value as it is before.
        var made = try await self.construct(injector)
        made.value = Box(convert(made.value.value(as: Value.self)))
        made.parts = []
        return made
      }
    }
  }
}

extension Declaration.Fields {
  /// Adds the start half of a hook: to the last pair if that has none yet, else to a new one.
  mutating func addStart<Value: Sendable, each Dependency: Sendable>(
    _ site: Site, _ timeout: Duration?,
    _ action: @escaping @Sendable (Value, repeat each Dependency) async throws -> Void
  ) {
    let joins = hooks.last.map { $0.startSite == nil } ?? false
    if !joins { hooks.append(HookDeclaration()) }
    let index = hooks.count - 1
    hooks[index].startSite = site
    hooks[index].startBudget = timeout
    bind(action) { made, bound in
      if !joins { made.hooks.append(Hook()) }
      made.hooks[made.hooks.count - 1].onStart = bound
      made.hooks[made.hooks.count - 1].startSite = site
      made.hooks[made.hooks.count - 1].startTimeout = timeout
    }
  }

  /// Adds the stop half of a hook: to the last pair if that has none yet, else to a new one.
  mutating func addStop<Value: Sendable, each Dependency: Sendable>(
    _ site: Site, _ timeout: Duration?,
    _ action: @escaping @Sendable (Value, repeat each Dependency) async throws -> Void
  ) {
    let joins = hooks.last.map { $0.stopSite == nil } ?? false
    if !joins { hooks.append(HookDeclaration()) }
    let index = hooks.count - 1
    hooks[index].stopSite = site
    hooks[index].stopBudget = timeout
    bind(action) { made, bound in
      if !joins { made.hooks.append(Hook()) }
      made.hooks[made.hooks.count - 1].onStop = bound
      made.hooks[made.hooks.count - 1].stopSite = site
      made.hooks[made.hooks.count - 1].stopTimeout = timeout
    }
  }

  /// Has `action` bound to the value and to its further dependencies once they exist.
  private mutating func bind<Value: Sendable, each Dependency: Sendable>(
    _ action: @escaping @Sendable (Value, repeat each Dependency) async throws -> Void,
    _ add: @escaping @Sendable (inout Made, @escaping Hook.Action) -> Void
  ) {
    let first = requirements.count
    repeat requirements.append(.of((each Dependency).self))
    binds.append { injector, made in
      let value: Value = made.value.value()
      var arguments = Arguments(injector, from: first)
      let dependencies = (repeat try arguments.next((each Dependency).self))
      add(&made) { try await action(value, repeat each dependencies) }
    }
  }
}
