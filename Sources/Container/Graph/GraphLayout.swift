/// Where everything goes in the picture of a graph. Pure arithmetic.
///
/// Columns run from left to right in the order of the start: what a node needs is always to its left. Each module is a band
/// with its nodes in it, children inside their parents; so boxes never overlap, whatever the edges do.
struct GraphLayout {
  struct Box {
    var x = 0.0
    var y = 0.0
    var width = 0.0
    var height = 0.0
  }

  private(set) var nodes: [Box]
  private(set) var modules: [Box]
  private(set) var width = 0.0
  private(set) var height = 0.0

  static let nodeHeight = 24.0
  static let rowGap = 8.0
  static let columnGap = 56.0
  static let padding = 12.0
  static let title = 22.0
  /// Taller stacks are broken into several columns.
  static let stackLimit = 14
  static let longestLabel = 34

  private let graph: Graph
  private var column: [Int]
  private var needs: [[Int]]
  private var wanted: [[Int]]

  init(_ graph: Graph) {
    self.graph = graph
    nodes = Array(repeating: Box(), count: graph.nodes.count)
    modules = Array(repeating: Box(), count: graph.modules.count)
    needs = Array(repeating: [], count: graph.nodes.count)
    wanted = needs
    column = Array(repeating: 0, count: graph.nodes.count)
    for edge in graph.edges where edge.from != edge.to {
      needs[edge.from].append(edge.to)
      wanted[edge.to].append(edge.from)
    }
    assignColumns()
    place()
  }

  /// The label of a node as it is drawn.
  static func text(_ node: Graph.Node) -> String {
    let label = node.label
    return label.count > longestLabel ? label.prefix(longestLabel - 1) + "…" : label
  }

  /// The same with its marks.
  static func markedText(_ node: Graph.Node) -> String {
    (node.isGrouped ? "⊕ " : "") + (node.isPrivate ? "◦ " : "") + text(node)
  }

  /// The longest way from a node that needs nothing. An edge that closes a cycle (a lazy one) counts for nothing.
  private mutating func assignColumns() {
    var state = [UInt8](repeating: 0, count: graph.nodes.count)
    for start in graph.nodes.indices {
      var stack: [(node: Int, next: Int)] = state[start] == 0 ? [(start, 0)] : []
      while let (node, next) = stack.popLast() {
        state[node] = 1
        if next < needs[node].count {
          stack.append((node, next + 1))
          if state[needs[node][next]] == 0 { stack.append((needs[node][next], 0)) }
        } else {
          column[node] = needs[node].filter { state[$0] == 2 }.map { column[$0] + 1 }.max() ?? 0
          state[node] = 2
        }
      }
    }
  }

  private mutating func place() {
    let columns = (column.max() ?? -1) + 1
    var stacks = [[[Int]]](repeating: Array(repeating: [], count: columns), count: graph.modules.count)
    for node in graph.nodes.indices { stacks[graph.nodes[node].module][column[node]].append(node) }
    sortStacks(&stacks)
    // A column is as wide as its widest label, and as many labels side by side as the tallest stack in it needs.
    var left = [Double](repeating: 0, count: columns + 1)
    var labelWidth = [Double](repeating: 0, count: columns)
    let depth = Double(graph.modules.indices.map(nesting).max() ?? 0)
    left[0] = GraphLayout.padding * (depth + 2)
    for index in 0..<columns {
      let members = stacks.flatMap { $0[index] }
      labelWidth[index] = members.map { Double(GraphLayout.markedText(graph.nodes[$0]).count) * 7.2 + 20 }.max() ?? 0
      let side = stacks.map { folds($0[index].count) }.max() ?? 1
      left[index + 1] = left[index] + Double(side) * (labelWidth[index] + 14) + GraphLayout.columnGap
    }
    width = max(left[columns] - GraphLayout.columnGap, left[0] + 200) + GraphLayout.padding * (depth + 2)
    height = GraphLayout.padding
    band(0, stacks, left, labelWidth)
    height += GraphLayout.padding
  }

  private func folds(_ count: Int) -> Int { max(1, (count + GraphLayout.stackLimit - 1) / GraphLayout.stackLimit) }

  private func nesting(_ module: Int) -> Int {
    graph.modules[module].parent.map { nesting($0) + 1 } ?? 0
  }

  /// Puts a module and its children from the present height downwards.
  private mutating func band(_ module: Int, _ stacks: [[[Int]]], _ left: [Double], _ labelWidth: [Double]) {
    let inset = GraphLayout.padding * Double(nesting(module) + 1)
    modules[module] = Box(x: inset, y: height, width: width - 2 * inset, height: 0)
    let top = height
    height += GraphLayout.title
    var rows = 0
    for (index, stack) in stacks[module].enumerated() {
      let perFold = (stack.count + folds(stack.count) - 1) / folds(stack.count)
      for (position, node) in stack.enumerated() {
        let (fold, row) = (position / max(1, perFold), position % max(1, perFold))
        nodes[node] = Box(
          x: left[index] + Double(fold) * (labelWidth[index] + 14),
          y: height + Double(row) * (GraphLayout.nodeHeight + GraphLayout.rowGap),
          width: labelWidth[index], height: GraphLayout.nodeHeight)
        rows = max(rows, row + 1)
      }
    }
    height += Double(rows) * (GraphLayout.nodeHeight + GraphLayout.rowGap)
    for child in graph.modules.indices where graph.modules[child].parent == module {
      band(child, stacks, left, labelWidth)
      height += GraphLayout.padding
    }
    if rows == 0, !graph.modules.contains(where: { $0.parent == module }) { height += GraphLayout.rowGap }
    modules[module].height = height - top
  }

  /// Neighbours near each other: a few rounds of sorting each stack by the mean position of what its nodes are joined to.
  private func sortStacks(_ stacks: inout [[[Int]]]) {
    var position = [Double](repeating: 0, count: graph.nodes.count)
    func number(_ stacks: [[[Int]]]) {
      var base = 0.0
      for module in stacks {
        for stack in module { for (row, node) in stack.enumerated() { position[node] = base + Double(row) } }
        base += Double(module.map(\.count).max() ?? 0)
      }
    }
    number(stacks)
    for round in 0..<6 {
      for module in stacks.indices {
        for index in stacks[module].indices {
          let neighbours = round.isMultiple(of: 2) ? needs : wanted
          let weight = stacks[module][index].map { node -> (Int, Double) in
            let near = neighbours[node]
            let mean = near.isEmpty ? position[node] : near.map { position[$0] }.reduce(0, +) / Double(near.count)
            return (node, mean)
          }
          stacks[module][index] = weight.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.map(\.0)
        }
      }
      number(stacks)
    }
  }
}
