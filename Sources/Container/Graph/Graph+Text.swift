extension Graph {
  /// The graph in Graphviz's language: modules are clusters, unused elements grey, the critical path bold.
  public func dot() -> String {
    var lines = [
      "digraph \(quoted(name)) {", "  rankdir=RL; compound=true;",
      "  node [shape=box style=\"rounded,filled\" fillcolor=white fontname=\"Helvetica\"];",
    ]
    let (members, children) = contents
    func write(_ module: Int, _ margin: String) {
      lines.append("\(margin)subgraph cluster_\(module) {")
      lines.append("\(margin)  label=\(quoted(modules[module].name)); style=rounded; color=gray60;")
      for node in members[module] {
        var attributes = ["label=\(quoted(nodes[node].label))", "tooltip=\(quoted(nodes[node].origin.description))"]
        if nodes[node].isUnused { attributes.append("color=gray70 fontcolor=gray60") }
        if nodes[node].isRoot { attributes.append("shape=ellipse") }
        if criticalPath.contains(node) { attributes.append("penwidth=2.5 color=crimson") }
        lines.append("\(margin)  n\(node) [\(attributes.joined(separator: " "))];")
      }
      for child in children[module] { write(child, margin + "  ") }
      lines.append("\(margin)}")
    }
    write(0, "  ")
    let critical = criticalEdges
    for edge in edges {
      var attributes: [String] = []
      switch edge.kind {
      case .needs: break
      case .group: attributes.append("color=steelblue")
      case .optional, .lazy, .factory: attributes.append("style=dashed label=\(edge.kind.rawValue)")
      }
      if critical.contains(edge) { attributes.append("penwidth=2.5 color=crimson") }
      lines.append(
        "  n\(edge.from) -> n\(edge.to)\(attributes.isEmpty ? "" : " [\(attributes.joined(separator: " "))]");")
    }
    lines.append("}")
    return lines.joined(separator: "\n") + "\n"
  }

  /// The graph in Mermaid's language, for Markdown.
  public func mermaid() -> String {
    var lines = ["flowchart RL"]
    let (members, children) = contents
    func write(_ module: Int, _ margin: String) {
      lines.append("\(margin)subgraph m\(module)[\"\(escapedForHTML(modules[module].name))\"]")
      for node in members[module] {
        let label = "\"\(escapedForHTML(nodes[node].label))\""
        lines.append("\(margin)  n\(node)" + (nodes[node].isRoot ? "([\(label)])" : "[\(label)]"))
      }
      for child in children[module] { write(child, margin + "  ") }
      lines.append("\(margin)end")
    }
    write(0, "  ")
    for edge in edges {
      switch edge.kind {
      case .needs, .group: lines.append("  n\(edge.from) --> n\(edge.to)")
      case .optional, .lazy, .factory: lines.append("  n\(edge.from) -. \(edge.kind.rawValue) .-> n\(edge.to)")
      }
    }
    let unused = nodes.indices.filter { nodes[$0].isUnused }.map { "n\($0)" }
    if !unused.isEmpty {
      lines.append("  classDef unused fill:#eee,stroke:#bbb,color:#888")
      lines.append("  class \(unused.joined(separator: ",")) unused")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The graph as JSON, with times in milliseconds from the beginning of the start.
  public func json() -> String {
    let modules = modules.map { module in
      "{\"name\": \(quoted(module.name)), \"parent\": \(module.parent.map(String.init) ?? "null")}"
    }
    let nodes = nodes.map { node in
      var fields = [
        "\"kind\": \(quoted(node.origin.kind.rawValue))", "\"name\": \(quoted(node.origin.name))",
        "\"module\": \(node.module)", "\"file\": \(quoted(node.origin.location.fileID))",
        "\"line\": \(node.origin.location.line)", "\"lifetime\": \(quoted("\(node.lifetime)"))",
        "\"private\": \(node.isPrivate)", "\"grouped\": \(node.isGrouped)", "\"root\": \(node.isRoot)",
        "\"unused\": \(node.isUnused)",
      ]
      if let timing = node.timing {
        let times: [(String, Duration?)] = [
          ("buildBegan", timing.buildBegan), ("hooksBegan", timing.hooksBegan), ("started", timing.started),
          ("stopBegan", timing.stopBegan), ("stopped", timing.stopped),
        ]
        let known = times.compactMap { name, time in time.map { "\(quoted(name)): \($0.milliseconds)" } }
        fields.append("\"timing\": {\(known.joined(separator: ", "))}")
      }
      return "{\(fields.joined(separator: ", "))}"
    }
    let edges = edges.map { "{\"from\": \($0.from), \"to\": \($0.to), \"kind\": \(quoted($0.kind.rawValue))}" }
    func list(_ items: [String]) -> String {
      items.isEmpty ? "[]" : "[\n    \(items.joined(separator: ",\n    "))\n  ]"
    }
    return """
      {
        "name": \(quoted(name)),
        "startMilliseconds": \(startDuration.map { "\($0.milliseconds)" } ?? "null"),
        "criticalPath": [\(criticalPath.map(String.init).joined(separator: ", "))],
        "modules": \(list(modules)),
        "nodes": \(list(nodes)),
        "edges": \(list(edges))
      }

      """
  }

  /// The nodes and the modules that stand in each module.
  private var contents: (nodes: [[Int]], modules: [[Int]]) {
    var members = [[Int]](repeating: [], count: modules.count)
    for node in nodes.indices { members[nodes[node].module].append(node) }
    var children = [[Int]](repeating: [], count: modules.count)
    for module in modules.indices { if let parent = modules[module].parent { children[parent].append(module) } }
    return (members, children)
  }

  /// The edges along the critical path.
  var criticalEdges: Set<Edge> {
    let pairs = Set(zip(criticalPath.dropFirst(), criticalPath).map { [$0, $1] })
    return Set(edges.filter { pairs.contains([$0.from, $0.to]) })
  }
}

extension Graph.Node {
  /// The name, with what a reader should know of the kind.
  var label: String {
    switch origin.kind {
    case .decorate: "Decorate(\(origin.name))"
    case .override: "Override(\(origin.name))"
    case .provide, .supply, .invoke, .run, .scope: origin.name
    }
  }
}

/// A string in quotation marks, for JSON and Graphviz, whose rules agree for what names have in them.
func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\r": result += "\\r"
    case "\t": result += "\\t"
    case _ where scalar.value < 0x20:
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}

/// Text that can stand in an element or in an attribute of an HTML page.
package func escapedForHTML(_ text: String) -> String {
  var result = ""
  result.reserveCapacity(text.utf8.count)
  // By scalars: a mark that combines with a quotation mark makes another character of it, but not for a browser.
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}
