import Synchronization

/// Which of several states something is in, such as `starting`, `running`, `stopping`: a series for each state, 1 for the
/// present one and 0 for the others.
///
/// ```swift
/// enum Phase: String, CaseIterable { case starting, running, stopping }
/// let phase = try registry.stateSet("app_phase", help: "What the app is doing.", initially: Phase.starting)
/// phase.set(.running)
/// ```
///
/// The states are the labels' values; the label has the name of the metric, as OpenMetrics wants it.
public final class StateSet<State: CaseIterable & RawRepresentable & Equatable & Sendable>: Sendable
where State.RawValue == String {
  private let present: Mutex<State>

  init(_ initial: State) {
    present = Mutex(initial)
  }

  /// The present state.
  public var state: State { present.withLock { $0 } }

  /// Goes over to a state.
  public func set(_ state: State) {
    present.withLock { $0 = state }
  }
}

/// The series of a state set, read from it.
struct StateSetSource: MetricSource {
  let descriptor: MetricDescriptor
  private let states: [MetricLabels]
  private let present: @Sendable () -> Int?

  /// - Parameter present: The place of the present state among `states`.
  init(_ descriptor: MetricDescriptor, states: [String], present: @escaping @Sendable () -> Int?) {
    self.descriptor = descriptor
    self.states = states.map { MetricLabels([(name: descriptor.name, value: $0)]) }
    self.present = present
  }

  func collect(_ detail: MetricDetail) -> [Metric] {
    let present = present()
    return states.enumerated().map { index, labels in Metric(.number(index == present ? 1 : 0), labels: labels) }
  }

  func write(to renderer: inout ExpositionRenderer) {
    renderer.write(descriptor, collect(renderer.detail))
  }
}

extension MetricsRegistry {
  /// Makes a state set; see ``StateSet``.
  ///
  /// - Parameters:
  ///   - name: In snake case.
  ///   - help: What is in one of the states, in a sentence.
  ///   - initially: The state until the first ``StateSet/set(_:)``.
  public func stateSet<State>(
    _ name: String, help: String, initially initial: State
  ) throws(MetricsError) -> StateSet<State> {
    let set = StateSet(initial)
    let states = Array(State.allCases)
    let descriptor = MetricDescriptor(name, .stateSet, help: help, labels: [name])
    try add(StateSetSource(descriptor, states: states.map(\.rawValue)) { states.firstIndex(of: set.state) })
    return set
  }
}
