public import Container

/// An app for the time of a test: it is validated and started, handed to the test, stopped, and looked over for leaks.
///
/// Any error on the way is thrown, so that it fails the test in whatever framework.
///
/// ```swift
/// @Test func `A user is found`() async throws {
///   try await TestApp.run {
///     UsersModule()
///     Override { FakePool() as any Pool }
///   } test: { app in
///     #expect(try await app.get((any UserRepository).self).find(1) != nil)
///   }
/// }
/// ```
public struct TestApp: Sendable {
  /// The app under test, which runs.
  public let app: App

  /// Everything that has happened in it.
  public let events: EventRecorder

  /// What is checked after the stop.
  public struct LeakCheck: Sendable {
    /// Whether anything is checked.
    public var isOn = true

    /// Names of values that may live on, as they appear in errors.
    public var ignoring: Set<String> = []

    /// How long something may take to go away after the stop; 2 s.
    public var patience = Duration.seconds(2)

    /// The defaults.
    public init() {}

    /// Nothing is checked.
    public static let off: LeakCheck = {
      var check = LeakCheck()
      check.isOn = false
      return check
    }()
  }

  /// The value of a type: ``App/get(_:)``.
  public func get<Value: Sendable>(_ type: Value.Type = Value.self) async throws -> Value {
    try await app.get(type)
  }

  /// Runs `test` with an app made of `content`.
  ///
  /// - Parameters:
  ///   - options: How the app starts and stops; an ``EventRecorder`` is added to the observers.
  ///   - leakCheck: What is checked after the stop. What the app built must not be kept by the test.
  ///   - content: The modules, and ``Override``s of what the test has its own of.
  ///   - test: The test.
  /// - Throws: What the test throws; else an error of the start or stop, or a ``LeakError``.
  @discardableResult
  public static func run<Result>(
    _ options: App.Options = App.Options(), leakCheck: LeakCheck = LeakCheck(),
    isolation: isolated (any Actor)? = #isolation, @ModuleBuilder _ content: () -> [any ModuleElement],
    test: (TestApp) async throws -> Result
  ) async throws -> Result {
    let (result, suspects) = try await exercise(options, isolation: isolation, content, test)
    if leakCheck.isOn { try await check(suspects, leakCheck) }
    return result
  }

  /// What may have been left behind. It does not hold the app.
  private struct Suspects: Sendable {
    let objects: [App.Tracked]
    let tasks: @Sendable () -> (tasks: [Origin], openScopes: Int)
  }

  /// A function of its own, so that no local variable holds the app when leaks are looked for.
  private static func exercise<Result>(
    _ options: App.Options, isolation: isolated (any Actor)?, _ content: () -> [any ModuleElement],
    _ test: (TestApp) async throws -> Result
  ) async throws -> (Result, Suspects) {
    var options = options
    let recorder = EventRecorder()
    options.observers.append(recorder)
    let app = App(options, content)
    try app.validate()
    try await app.start()
    let result: Result
    do {
      result = try await test(TestApp(app: app, events: recorder))
    } catch {
      // The test's own error is the one to tell.
      try? await app.stop()
      throw error
    }
    try await app.stop()
    let objects = app.trackedObjects()
    return (result, Suspects(objects: objects, tasks: app.afterlife()))
  }

  private static func check(_ suspects: Suspects, _ leakCheck: LeakCheck) async throws {
    let deadline = ContinuousClock.now + leakCheck.patience
    while true {
      let (tasks, openScopes) = suspects.tasks()
      let objects = suspects.objects.filter { $0.isAlive && !leakCheck.ignoring.contains($0.origin.name) }
      if tasks.isEmpty, openScopes == 0, objects.isEmpty { return }
      guard ContinuousClock.now < deadline else {
        throw LeakError(objects: objects.map(\.origin), tasks: tasks, openScopes: openScopes)
      }
      try await Task.sleep(for: .milliseconds(1))
    }
  }
}
