/// The life of an app as a state machine: events in, actions out, no effects.
///
/// ```
/// built ── start ──▶ starting ── settled ──▶ running
///   │                   │ failed, stop          │ stop
///   │                   └──────▶ draining ◀─────┘
///   │                               │ settled
///   │                               ▼
///   │                            stopping ── finished ──▶ stopped
///   └──────────────────────── stop ──────────────────────────▲
/// ```
struct LifecycleStateMachine: Sendable {
  private enum State: Sendable {
    /// Nothing has happened. May go to starting, or straight to stopped.
    case built
    /// Nodes are being built and started. May go to running or draining.
    case starting
    /// The start failed, or somebody asked to stop: nodes being built are called off and waited for. May go to stopping only.
    case draining
    /// All roots have started. May go to draining only.
    case running
    /// Nodes are being stopped. May go to stopped only.
    case stopping
    /// The end.
    case stopped
  }

  private var state = State.built

  /// What the world sees of the state.
  var current: AppState {
    switch state {
    case .built: .built
    case .starting: .starting
    case .running: .running
    case .draining, .stopping: .stopping
    case .stopped: .stopped
    }
  }

  /// Whether further nodes may be built.
  var admitsNodes: Bool {
    switch state {
    case .starting, .running: true
    case .built, .draining, .stopping, .stopped: false
    }
  }

  enum StartAction: Equatable {
    case begin
    case refuse(AppState)
  }

  mutating func start() -> StartAction {
    switch state {
    case .built:
      state = .starting
      return .begin
    case .starting, .draining, .running, .stopping, .stopped:
      return .refuse(current)
    }
  }

  enum StopAction: Equatable {
    /// Nothing had started: the app is stopped now.
    case finish
    /// Call off what is being built; `settled` says when that is done.
    case drain
    /// Somebody else stops it already.
    case join
    /// It has stopped.
    case none
  }

  mutating func stop() -> StopAction {
    switch state {
    case .built:
      state = .stopped
      return .finish
    case .starting, .running:
      state = .draining
      return .drain
    case .draining, .stopping:
      return .join
    case .stopped:
      return .none
    }
  }

  /// A root failed to build or start. Returns whether this is what ends the start.
  mutating func fail() -> Bool {
    switch state {
    case .starting:
      state = .draining
      return true
    case .built, .draining, .running, .stopping, .stopped:
      // While running, only the one who asked for a value is told; later failures of a roll-back are merely kept.
      return false
    }
  }

  enum SettledAction: Equatable {
    case started
    case beginStop
    case none
  }

  /// No node is being built any more and none waits to be.
  mutating func settled() -> SettledAction {
    switch state {
    case .starting:
      state = .running
      return .started
    case .draining:
      state = .stopping
      return .beginStop
    case .built, .running, .stopping, .stopped:
      // A value that was asked for while running is there; that is no change of state.
      return .none
    }
  }

  /// Every node has stopped. Returns whether this is the end.
  mutating func finished() -> Bool {
    switch state {
    case .stopping:
      state = .stopped
      return true
    case .built, .starting, .draining, .running, .stopped:
      return false
    }
  }
}
