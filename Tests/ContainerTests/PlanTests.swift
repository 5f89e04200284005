import Testing

@testable import Container

/// What a plan and the analysis of its graph cost, and find, in graphs of awkward shapes.
@Suite struct PlanTests {
  @Test func `Layers of scoped values that share what they need make no more edges than there are pairs`() throws {
    let app = App {
      Supply(Cache())
      layers(20, Int.self)
    }
    let scoped = app.engine.plan.nodes.indices.filter { app.engine.plan.nodes[$0].lifetime == .scoped }
    #expect(scoped.count == 42)
    #expect(scoped.allSatisfy { app.engine.plan.dependencies[$0].count == 1 })
    #expect(scoped.allSatisfy { (app.engine.plan.scopedNeeds[$0] ?? []).count <= 2 })
  }

  private struct Left<Value: Sendable>: Sendable {}
  private struct Right<Value: Sendable>: Sendable {}

  private func layers<Value: Sendable>(_ depth: Int, _ type: Value.Type) -> [any ModuleElement] {
    typealias Below = [Value]
    guard depth > 0 else {
      return [
        Provide { (_: Cache) in Left<Value>() }.lifetime(.scoped),
        Provide { (_: Cache) in Right<Value>() }.lifetime(.scoped),
      ]
    }
    return [
      Provide { (_: Left<Below>, _: Right<Below>) in Left<Value>() }.lifetime(.scoped),
      Provide { (_: Left<Below>, _: Right<Below>) in Right<Value>() }.lifetime(.scoped),
    ] + layers(depth - 1, Below.self)
  }

  @Test func `Each knot is one cycle, also where one leads to another`() {
    var edges = Edges()
    for needs in [[1], [0], [0, 3], [2], [2, 4]] { edges.append(needs) }
    #expect(GraphAnalysis(edges: edges, count: 5).cycles == [[0, 1], [2, 3], [4]])
  }
}
