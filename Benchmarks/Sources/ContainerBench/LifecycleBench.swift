import Container

/// Composing, building, starting and stopping whole apps.
enum LifecycleBench {
  static func run() async throws {
    for count in [10, 100, 1000, 10_000] {
      let runs = max(11, 10_000 / count)
      let types = types(count)
      for (name, hooks) in [("", false), (" with hooks", true)] {
        let chain = try await measure(runs) { try await cycle(types, isChain: true, hooks: hooks) }
        print("\(count) providers, chain\(name): \(chain)")
        let wide = try await measure(runs) { try await cycle(types, isChain: false, hooks: hooks) }
        print("\(count) providers, wide\(name): \(wide)")
      }
    }
  }

  /// Whole apps beside the same ones of fx, in turns; `scripts/build-peers` builds fx.
  static func besideFx(_ counts: [Int]) async throws {
    guard let fx = FxPeer() else { return print("fx is not built: left out") }
    for (name, isChain, hooks) in [("chain", true, false), ("wide", false, false), ("hooks", true, true)] {
      for count in counts {
        let types = types(count)
        var (ours, theirs, peer): ([Times], [Times], String) = ([], [], "")
        for _ in 0..<5 {
          ours.append(
            try await measure(for: FxPeer.turn) { try await cycle(types, isChain: isChain, hooks: hooks) })
          let (times, versions) = try fx.measure(name, count)
          theirs.append(times)
          peer = versions
        }
        let medians = [ours, theirs].map { $0.map(\.median).sorted()[2] }
        let bests = [ours, theirs].map { $0.map(\.best).min() ?? .zero }
        print(
          "\(count) providers, \(name): \(milliseconds(medians[0])), \(peer) \(milliseconds(medians[1])): \(ratio(medians)); "
            + "at best \(milliseconds(bests[0])), fx \(milliseconds(bests[1])): \(ratio(bests))")
      }
    }
  }

  private static func ratio(_ times: [Duration]) -> String { "\((times[0] / times[1] * 100).rounded() / 100) ×" }

  /// Where the processor time goes: the best of many runs, each part for itself.
  static func phases(_ count: Int) async throws {
    let types = types(count)
    for (isChain, hooks) in [(true, false), (false, false), (true, true)] {
      var best = [Duration](repeating: .seconds(Int64.max), count: 3)
      for _ in 0..<max(20, 200_000 / count) {
        var times = [processorTime()]
        let app = compose(types, isChain: isChain, hooks: hooks)
        times.append(processorTime())
        try await app.start()
        times.append(processorTime())
        try await app.stop()
        times.append(processorTime())
        for index in best.indices { best[index] = min(best[index], times[index + 1] - times[index]) }
      }
      let parts = zip(["compose", "start", "stop"], best).map { "\($0) \(milliseconds($1))" }
      let shape = (isChain ? "chain" : "wide") + (hooks ? " with hooks" : "")
      print("\(count) providers, \(shape): \(parts.joined(separator: ", "))")
    }
  }

  /// The time of `validate()` alone, and with composing the app, which is where the graph is compiled.
  static func validate(_ count: Int) async throws {
    let types = types(count)
    let app = compose(types, isChain: true, hooks: true)
    print("validate \(count) providers: \(try await measure(51) { try app.validate() })")
    let both = try await measure(51) { try compose(types, isChain: true, hooks: true).validate() }
    print("compose and validate \(count) providers: \(both)")
  }

  private static func compose(_ types: [any Numbered.Type], isChain: Bool, hooks: Bool) -> App {
    App {
      for (index, type) in types.enumerated() {
        if isChain && index > 0 {
          type.link(after: types[index - 1], hooks: hooks)
        } else {
          type.leaf(hooks: hooks, isEager: !isChain)
        }
      }
      if isChain { types[types.count - 1].invoke() }
    }
  }

  /// Everything from composing to the end of the stop, as the figures for fx have it.
  private static func cycle(_ types: [any Numbered.Type], isChain: Bool, hooks: Bool) async throws {
    let app = compose(types, isChain: isChain, hooks: hooks)
    try await app.start()
    try await app.stop()
  }
}
