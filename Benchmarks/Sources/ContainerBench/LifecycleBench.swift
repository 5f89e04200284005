import Container

/// Composing, building, starting and stopping whole apps.
enum LifecycleBench {
  static func run() async throws {
    for count in [10, 100, 1000, 10_000] {
      let runs = max(11, 20_000 / count)
      let types = types(count)
      for (name, hooks) in [("", false), (" with hooks", true)] {
        let chain = try await median(of: runs) { try await cycle(types, isChain: true, hooks: hooks) }
        print("\(count) providers, chain\(name): \(milliseconds(chain))")
        let wide = try await median(of: runs) { try await cycle(types, isChain: false, hooks: hooks) }
        print("\(count) providers, wide\(name): \(milliseconds(wide))")
      }
    }
  }

  /// The same as fx does it in the reference: everything from composing to the end of the stop.
  static func phases(_ count: Int, isChain: Bool) async throws {
    let types = types(count)
    var sums = [Duration](repeating: .zero, count: 4)
    for _ in 0..<200 {
      let t0 = ContinuousClock.now
      let app = compose(types, isChain: isChain, hooks: false)
      let t1 = ContinuousClock.now
      try await app.start()
      let t2 = ContinuousClock.now
      try await app.stop()
      let t3 = ContinuousClock.now
      sums[0] += t1 - t0
      sums[1] += t2 - t1
      sums[2] += t3 - t2
    }
    print(count, isChain, sums.map { milliseconds($0 / 200) })
  }

  private static func compose(_ types: [any Numbered.Type], isChain: Bool, hooks: Bool) -> App {
    App {
      for (index, type) in types.enumerated() {
        if isChain && index > 0 {
          type.link(after: types[index - 1], hooks: hooks)
        } else {
          type.leaf(hooks: hooks)
        }
      }
      if isChain {
        types[types.count - 1].invoke()
      } else {
        for type in types { type.invoke() }
      }
    }
  }

  private static func cycle(_ types: [any Numbered.Type], isChain: Bool, hooks: Bool) async throws {
    let app = compose(types, isChain: isChain, hooks: hooks)
    try await app.start()
    try await app.stop()
  }
}
