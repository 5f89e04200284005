extension App {
  /// How an app starts and stops.
  public struct Options: Sendable {
    /// The order in which independent values are built, started and stopped.
    public enum Order: Sendable, Hashable {
      /// As the graph allows, at the same time.
      case concurrent
      /// One at a time, in fx's order: root by root in the order of declaration, parameter by parameter. For comparing, and for
      /// constructors with hidden dependencies that nobody can change.
      case serial
    }

    /// What the app is called in events and pictures.
    public var name = "App"

    /// The order of independent values; ``Order/concurrent``.
    public var order = Order.concurrent

    /// Whether the start builds nothing by itself: values are then built by ``App/get(_:)`` alone. For a command that needs one
    /// part of an app; false.
    public var buildsOnDemandOnly = false

    /// How long a hook may take if it does not say so itself; 15 s.
    public var hookTimeout = Duration.seconds(15)

    /// How long the whole start may take; 60 s.
    public var startTimeout = Duration.seconds(60)

    /// How long the whole stop may take; 30 s.
    public var stopTimeout = Duration.seconds(30)

    /// How often hooks that are still running are reported by name; 5 s. Zero: never.
    public var stragglerInterval = Duration.seconds(5)

    /// Who is told of events.
    public var observers: [any ContainerObserver] = []

    /// The time; ``AppClock/continuous``.
    public var clock = AppClock.continuous

    /// The defaults.
    public init() {}
  }
}

extension App.Options {
  /// How long one half of a hook may take.
  func budget(of hook: Hook, _ half: ContainerError.HookHalf) -> Duration {
    (half == .start ? hook.startTimeout : hook.stopTimeout) ?? hookTimeout
  }

  /// How long a background task has to end: by itself first, then cancelled.
  func budget(of run: RunTask) -> Duration { run.grace + hookTimeout }
}
