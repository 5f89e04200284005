/// A topological order of a graph, and its cycles if it has any.
struct GraphAnalysis {
  /// Every node that is on no cycle and needs none, each after all that it needs.
  private(set) var order: [Int] = []
  /// One shortest cycle of each knot; each node needs the next, the last needs the first.
  private(set) var cycles: [[Int]] = []
  /// The reverse of the edges.
  let dependents: Edges

  init(edges: Edges, count: Int) {
    dependents = edges.reversed()
    var pending = (0..<count).map { edges.places(of: $0).count }
    order.reserveCapacity(count)
    order += (0..<count).filter { pending[$0] == 0 }
    var next = 0
    while next < order.count {
      for place in dependents.places(of: order[next]) {
        let dependent = dependents.neighbour(at: place)
        pending[dependent] -= 1
        if pending[dependent] == 0 { order.append(dependent) }
      }
      next += 1
    }
    guard order.count < count else { return }
    var rest = Set(0..<count).subtracting(order)
    for node in rest.sorted() where rest.contains(node) {
      guard let cycle = GraphAnalysis.shortestCycle(through: node, in: edges, within: rest) else { continue }
      cycles.append(cycle)
      // Whatever is knotted together with this cycle is the same mistake; one report of it is enough.
      rest.subtract(knot(of: node, in: edges, within: rest))
    }
  }

  private static func shortestCycle(through start: Int, in edges: Edges, within nodes: Set<Int>) -> [Int]? {
    var cameFrom: [Int: Int] = [:]
    var queue = [start]
    var next = 0
    while next < queue.count {
      let node = queue[next]
      next += 1
      for target in edges[node].lazy.map(Int.init) where nodes.contains(target) {
        if target == start {
          var path = [node]
          while let previous = cameFrom[path[path.count - 1]] { path.append(previous) }
          return path.reversed()
        }
        if cameFrom[target] == nil {
          cameFrom[target] = node
          queue.append(target)
        }
      }
    }
    return nil
  }

  /// The nodes that `start` reaches and that reach it.
  private func knot(of start: Int, in edges: Edges, within nodes: Set<Int>) -> Set<Int> {
    GraphAnalysis.reachable(from: start, by: edges, within: nodes)
      .intersection(GraphAnalysis.reachable(from: start, by: dependents, within: nodes))
  }

  private static func reachable(from start: Int, by edges: Edges, within nodes: Set<Int>) -> Set<Int> {
    var seen: Set<Int> = [start]
    var stack = [start]
    while let node = stack.popLast() {
      for target in edges[node].lazy.map(Int.init) where nodes.contains(target) && seen.insert(target).inserted {
        stack.append(target)
      }
    }
    return seen
  }
}
