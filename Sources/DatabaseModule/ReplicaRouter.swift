internal import Postgres
internal import Synchronization

/// Says where a new connection for reading goes.
final class ReplicaRouter: Sendable {
  private struct State {
    /// nil until somebody has looked.
    var isFit: [Bool?]
    var turn = 0
  }

  let replicas: [ConnectOptions]
  private let primary: ConnectOptions
  private let state: Mutex<State>

  init(_ replicas: [ConnectOptions], primary: ConnectOptions) {
    self.replicas = replicas
    self.primary = primary
    state = Mutex(State(isFit: replicas.map { _ in nil }))
  }

  /// The fit ones in turn; the primary while there is none.
  func choose() -> ConnectOptions {
    state.withLock { state in
      let fit = state.isFit.indices.filter { state.isFit[$0] == true }
      guard !fit.isEmpty else { return primary }
      state.turn += 1
      return replicas[fit[state.turn % fit.count]]
    }
  }

  /// True when that is news.
  func judge(_ index: Int, isFit: Bool) -> Bool {
    state.withLock { state in
      defer { state.isFit[index] = isFit }
      return state.isFit[index] != isFit
    }
  }
}
