extension Graph {
  /// The graph as one page that needs nothing else: modules as bands, who needs whom, unused elements grey, and after a start the
  /// timeline with the critical path. Point at an element to see what it needs and who needs it.
  public func html() -> String {
    let layout = GraphLayout(self)
    let unused = nodes.count { $0.isUnused }
    let counts = [(modules.count - 1, "module"), (nodes.count, "element"), (edges.count, "dependency")]
      .map { count, noun in "\(count) \(count == 1 ? noun : noun == "dependency" ? "dependencies" : noun + "s")" }
      .joined(separator: " · ")
    let start = startDuration.map { " · started in \($0.short)" } ?? ""
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width">
      <title>\(escapedForHTML(name))</title>
      <style>\(GraphPage.style)</style>
      </head>
      <body>
      <header>
        <h1>\(escapedForHTML(name))</h1>
        <p>\(counts) · \(unused) unused\(start)</p>
        <input id="find" type="search" placeholder="Find a type or module" aria-label="Find a type or module">
        <label><input id="fit" type="checkbox"> whole graph</label>
        <ul class="key">
          <li><i class="k-value"></i>value</li><li><i class="k-root"></i>Invoke, Run, eager</li>
          <li><i class="k-unused"></i>unused</li><li><i class="k-critical"></i>critical path</li>
          <li>⊕ in a group</li><li>◦ private</li>
          <li><i class="k-line"></i>needs</li><li><i class="k-dash"></i>optional, lazy, factory</li>
        </ul>
      </header>
      <main>
      <h2>Graph</h2>
      <p class="hint">What is on the left is started before what is on the right, and stopped after it.</p>
      <div class="scroll">
      \(svg(layout))
      </div>
      \(timelineSection())
      </main>
      <script>\(GraphPage.script)</script>
      </body>
      </html>

      """
  }

  /// The picture alone, for a page of somebody else's: an `svg` element whose classes the page gives colours.
  public func svg() -> String { svg(GraphLayout(self)) }

  /// The timeline of the start alone, for a page of somebody else's: headings and a table; empty before the start.
  public func timelineHTML() -> String { timelineSection() }

  private func svg(_ layout: GraphLayout) -> String {
    let (width, height) = (Int(layout.width), Int(layout.height))
    var lines = [
      "<svg id=\"graph\" width=\"\(width)\" height=\"\(height)\" viewBox=\"0 0 \(width) \(height)\" role=\"img\">",
      "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerUnits=\"userSpaceOnUse\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">"
        + "<path d=\"M0 0L8 4L0 8z\"/></marker></defs>",
    ]
    for (module, box) in zip(modules, layout.modules) {
      lines.append(
        "<rect class=\"module\" x=\"\(Int(box.x))\" y=\"\(Int(box.y))\" width=\"\(Int(box.width))\" height=\"\(Int(box.height))\" rx=\"8\"/>"
          + "<text class=\"module\" x=\"\(Int(box.x) + 10)\" y=\"\(Int(box.y) + 15)\">\(escapedForHTML(module.name))</text>"
      )
    }
    let critical = criticalEdges
    for edge in edges {
      let (from, to) = (layout.nodes[edge.to], layout.nodes[edge.from])
      let (x1, y1) = (from.x + from.width, from.y + from.height / 2)
      let (x2, y2) = (to.x - 2, to.y + to.height / 2)
      let bend = max(24, (x2 - x1).magnitude / 2)
      var classes = ["edge", edge.kind.rawValue]
      if critical.contains(edge) { classes.append("critical") }
      lines.append(
        "<path class=\"\(classes.joined(separator: " "))\" data-f=\"\(edge.to)\" data-t=\"\(edge.from)\" "
          + "d=\"M\(Int(x1)) \(Int(y1))C\(Int(x1 + bend)) \(Int(y1)) \(Int(x2 - bend)) \(Int(y2)) \(Int(x2)) \(Int(y2))\"/>"
      )
    }
    for (index, node) in nodes.enumerated() {
      let box = layout.nodes[index]
      var classes = ["node", node.origin.kind.rawValue]
      if node.isRoot { classes.append("root") }
      if node.isUnused { classes.append("unused") }
      if criticalPath.contains(index) { classes.append("critical") }
      if node.lifetime != .singleton { classes.append("\(node.lifetime)") }
      lines.append(
        "<g class=\"\(classes.joined(separator: " "))\" data-n=\"\(index)\"><title>\(escapedForHTML(tip(node)))</title>"
          + "<rect x=\"\(Int(box.x))\" y=\"\(Int(box.y))\" width=\"\(Int(box.width))\" height=\"\(Int(box.height))\" "
          + "rx=\"\(node.isRoot ? 12 : 4)\"/><text x=\"\(Int(box.x + box.width / 2))\" y=\"\(Int(box.y) + 16)\">"
          + "\(escapedForHTML(GraphLayout.markedText(node)))</text></g>")
    }
    lines.append("</svg>")
    return lines.joined(separator: "\n")
  }

  private func tip(_ node: Node) -> String {
    var lines = ["\(node.origin.kind.rawValue) \(node.origin.name)", node.origin.module, "\(node.origin.location)"]
    if node.lifetime != .singleton { lines.append("\(node.lifetime)") }
    if node.isPrivate { lines.append("private") }
    if node.isGrouped { lines.append("in a group") }
    if node.isUnused { lines.append("nothing reaches it") }
    if let timing = node.timing, let started = timing.started {
      lines.append("started in \((started - timing.buildBegan).short), \(started.short) after the beginning")
    }
    return lines.joined(separator: "\n")
  }

  // MARK: Timeline

  private func timelineSection() -> String {
    guard let startDuration else { return "" }
    let timed = nodes.indices.filter { (nodes[$0].timing?.started).map { $0 <= startDuration } ?? false }
    func length(_ node: Int) -> Duration {
      guard let timing = nodes[node].timing, let started = timing.started else { return .zero }
      return started - timing.buildBegan
    }
    let path = Set(criticalPath)
    // A thousand bars of a microsecond say nothing: those that took longest, and the critical path.
    let longest = Set(timed.sorted { length($0) > length($1) }.prefix(60)).union(path)
    let shown = timed.filter { longest.contains($0) }
      .sorted { (nodes[$0].timing?.buildBegan ?? .zero, $0) < (nodes[$1].timing?.buildBegan ?? .zero, $1) }
    let scale = max(startDuration.milliseconds, 0.001)
    let rows = shown.map { index -> String in
      guard let timing = nodes[index].timing, let started = timing.started else { return "" }
      func percent(_ time: Duration) -> Double { (time.milliseconds / scale * 10_000).rounded() / 100 }
      let hooks = timing.hooksBegan ?? started
      return
        "<tr class=\"\(path.contains(index) ? "critical" : "")\"><th title=\"\(escapedForHTML(tip(nodes[index])))\">"
        + "\(escapedForHTML(GraphLayout.text(nodes[index])))</th><td><div class=\"lane\">"
        + "<b class=\"build\" style=\"left:\(percent(timing.buildBegan))%;width:\(percent(hooks - timing.buildBegan))%\"></b>"
        + "<b class=\"hook\" style=\"left:\(percent(hooks))%;width:\(percent(started - hooks))%\"></b></div></td>"
        + "<td class=\"number\">\((started - timing.buildBegan).short)</td></tr>"
    }
    let names = criticalPath.map { "<code>\(escapedForHTML(nodes[$0].label))</code>" }.joined(separator: " → ")
    let left = timed.count - shown.count
    return """
      <h2>Start: \(startDuration.short)</h2>
      <p class="hint">Critical path: \(names)</p>
      <table class="timeline">
      <thead><tr><th></th><td><div class="axis"><span>0</span><span>\(startDuration.short)</span></div></td><td></td></tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody>
      </table>
      <p class="hint"><b class="swatch build"></b> constructor <b class="swatch hook"></b> start hooks\(left > 0 ? " · \(left) shorter ones not shown" : "")</p>
      """
  }
}
