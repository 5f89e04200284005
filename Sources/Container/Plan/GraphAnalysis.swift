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
    // Whatever is knotted together with a cycle is the same mistake; one report of it is enough.
    for knot in edges.knots().map(Set.init).sorted(by: { $0.min() ?? 0 < $1.min() ?? 0 }) {
      guard let first = knot.min() else { continue }
      cycles += GraphAnalysis.shortestCycle(through: first, in: edges, within: knot).map { [$0] } ?? []
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
}

extension Edges {
  /// The nodes that reach themselves, each time those together that reach each other.
  ///
  /// By Tarjan's algorithm, without recursion: each node is looked at once.
  func knots() -> [[Int]] {
    let nodes = starts.count - 1
    var knots: [[Int]] = []
    /// When each node was entered, from one; the earliest of those that are open and that it reaches.
    var entered = [Int](repeating: 0, count: nodes)
    var earliest = [Int](repeating: 0, count: nodes)
    var isOpen = [Bool](repeating: false, count: nodes)
    var open: [Int] = []
    var count = 0
    for root in 0..<nodes where entered[root] == 0 {
      var path: [(node: Int, place: Int)] = []
      func enter(_ node: Int) {
        count += 1
        (entered[node], earliest[node], isOpen[node]) = (count, count, true)
        open.append(node)
        path.append((node, Int(starts[node])))
      }
      enter(root)
      while let (node, place) = path.last {
        if place < Int(starts[node + 1]) {
          path[path.count - 1].place += 1
          let next = neighbour(at: place)
          if entered[next] == 0 {
            enter(next)
          } else if isOpen[next] {
            earliest[node] = min(earliest[node], entered[next])
          }
          continue
        }
        path.removeLast()
        if let parent = path.last?.node { earliest[parent] = min(earliest[parent], earliest[node]) }
        guard earliest[node] == entered[node], let first = open.lastIndex(of: node) else { continue }
        let knot = Array(open[first...])
        if knot.count > 1 || self[node].contains(Int32(node)) { knots.append(knot) }
        for member in knot { isOpen[member] = false }
        open.removeSubrange(first...)
      }
    }
    return knots
  }
}
