import Testing

@testable import Container

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite struct GraphTests {
  struct Storage: Module {
    var body: [any ModuleElement] {
      Provide { (config: Config) in Pool(url: config.url) }.onStart { _ in }
      Provide { Logger() }.private()
    }
  }

  struct Web: Module {
    var body: [any ModuleElement] {
      Provide(PgUsers.init(pool:)).as((any Users).self) { $0 }
      Provide { (_: any Users) in Route(path: "/users") }.grouped()
      Provide { Cache() }
      Invoke { (_: Group<Route>, _: Lazy<Cache>, _: Pool?) in }
    }
  }

  func app() -> App {
    App {
      Supply(Config())
      Storage()
      Web()
    }
  }

  @Test func `The graph is a value that says who needs whom`() async throws {
    let graph = app().graph
    #expect(graph.modules.map(\.name) == ["App", "Storage", "Web"])
    #expect(
      graph.nodes.map(\.origin.name) == [
        "Config", "Pool", "Logger", "any Users", "Route", "Cache", "Invoke(Group<Route>, Lazy<Cache>, Pool?)",
      ])
    #expect(
      Set(graph.edges) == [
        .init(from: 1, to: 0, kind: .needs), .init(from: 3, to: 1, kind: .needs), .init(from: 4, to: 3, kind: .needs),
        .init(from: 6, to: 4, kind: .group), .init(from: 6, to: 5, kind: .lazy), .init(from: 6, to: 1, kind: .optional),
      ])
    #expect(graph.nodes.filter(\.isUnused).map(\.origin.name) == ["Logger"])
    #expect(graph.criticalPath.isEmpty)
  }

  @Test func `After a start the graph has times and a critical path`() async throws {
    let app = app()
    try await app.start()
    let graph = app.graph
    #expect(graph.startDuration != nil)
    #expect(
      graph.criticalPath.map { graph.nodes[$0].origin.name } == [
        "Config", "Pool", "any Users", "Route", "Invoke(Group<Route>, Lazy<Cache>, Pool?)",
      ])
    try await app.stop()
    #expect(graph.html().contains("class=\"timeline\""))
  }

  @Test func `An app with faults has a graph, too`() throws {
    struct A: Sendable {}
    struct B: Sendable {}
    let graph = App {
      Provide { (_: B) in A() }
      Provide { (_: A, _: Pool) in B() }
    }.graph
    #expect(graph.edges == [.init(from: 0, to: 1, kind: .needs), .init(from: 1, to: 0, kind: .needs)])
    #expect(graph.html().contains("data-n=\"1\""))
  }

  @Test func `Texts for other programs`() throws {
    let graph = app().graph
    try expectGolden(graph.dot(), "graph.dot")
    try expectGolden(graph.mermaid(), "graph.mmd")
    try expectGolden(graph.json(), "graph.json")
  }

  @Test func `Names are escaped wherever they go`() throws {
    #expect(quoted("a\"b\\c\n\u{1}") == #""a\"b\\c\n\u0001""#)
    #expect(escapedForHTML("<a & 'b'>\"") == "&lt;a &amp; &#39;b&#39;&gt;&quot;")
    #expect(app().graph.html().contains("Invoke(Group&lt;Route&gt;, Lazy&lt;Cache&gt;,…"))
  }

  @Test func `The page needs nothing from elsewhere`() throws {
    let page = Self.sample(60).html()
    for request in [
      "http:", "https:", "//", "src=", "href=", "@import", "<link", "<base", "<iframe", "<object", "<embed", "fetch(",
      "XMLHttpRequest", "WebSocket", "EventSource", "import(", "sendBeacon",
    ] {
      #expect(!page.contains(request))
    }
    // Of an arrow's tip, which is in the page.
    #expect(page.matches(of: /url\((?!#)/).isEmpty)
  }

  @Test(arguments: [1, 10, 60, 300]) func `No two boxes overlap, and needs go to the left`(count: Int) throws {
    let graph = Self.sample(count)
    let layout = GraphLayout(graph)
    for (index, box) in layout.nodes.enumerated() {
      for other in layout.nodes[..<index] {
        let apart =
          box.x + box.width <= other.x || other.x + other.width <= box.x || box.y + box.height <= other.y
          || other.y + other.height <= box.y
        #expect(apart)
      }
      let module = layout.modules[graph.nodes[index].module]
      #expect(box.y >= module.y && box.y + box.height <= module.y + module.height)
      #expect(box.x >= module.x && box.x + box.width <= module.x + module.width)
    }
    for edge in graph.edges { #expect(layout.nodes[edge.to].x < layout.nodes[edge.from].x) }
    // Set by scripts/check-graph, which opens the pages in a browser.
    if let folder = ProcessInfo.processInfo.environment["KEEL_GRAPH_PAGES"] {
      try graph.html().write(toFile: "\(folder)/graph-\(count).html", atomically: true, encoding: .utf8)
    }
  }

  /// An app of a plausible shape: layers of modules, most needs within a module or in the one before.
  static func sample(_ count: Int) -> Graph {
    var dice = RandomGraph.Dice(state: UInt64(count))
    let kinds = ["Repository", "Client", "Cache", "Service", "Routes", "Worker", "Policy", "Store", "Gateway", "Index"]
    let names = ["Users", "Orders", "Billing", "Search", "Mail", "Audit", "Stock", "Media", "Reports", "Auth"]
    let moduleCount = max(1, count / 12)
    let modules =
      [Graph.Module(name: "Shop", parent: nil)]
      + (0..<moduleCount).map { index in
        Graph.Module(
          name: names[index % 10] + (index < 10 ? "Module" : "Part\(index / 10)"),
          parent: index < 10 ? 0 : 1 + index % 10)
      }
    var nodes: [Graph.Node] = []
    var edges: [Graph.Edge] = []
    var ends: [Duration] = []
    for index in 0..<count {
      let module = 1 + index * moduleCount / count
      let isRoot = index % 9 == 8
      let name =
        isRoot ? "Invoke(\(names[index % 10])\(kinds[(index - 1) % 10]))" : names[index % 10] + kinds[(index / 3) % 10]
      var began = Duration.zero
      for _ in 0..<min(index, Int.random(in: 0...3, using: &dice)) {
        let to = max(0, index - Int.random(in: 1...24, using: &dice))
        guard !nodes[to].isRoot, !edges.contains(where: { $0.from == index && $0.to == to }) else { continue }
        edges.append(.init(from: index, to: to, kind: index % 7 == 0 ? .lazy : .needs))
        if index % 7 != 0 { began = max(began, ends[to]) }
      }
      let built = began + .microseconds(Int.random(in: 20...900, using: &dice))
      ends.append(built + .microseconds(Int.random(in: 0...4, using: &dice) * 1200))
      nodes.append(
        .init(
          origin: Origin(
            kind: isRoot ? .invoke : .provide, name: name, module: modules[module].name,
            location: SourceLocation(fileID: "Shop/\(modules[module].name).swift", line: 10 + index)),
          module: module, lifetime: index % 11 == 5 ? .scoped : .singleton, isPrivate: index % 13 == 2,
          isGrouped: index % 6 == 4,
          isRoot: isRoot, isUnused: index % 17 == 16 && !isRoot,
          timing: .init(buildBegan: began, hooksBegan: built, started: ends[index], stopBegan: nil, stopped: nil)))
    }
    var path = [ends.indices.max { ends[$0] < ends[$1] } ?? 0]
    while let last = path.last,
      let next = edges.filter({ $0.from == last && $0.kind == .needs }).max(by: { ends[$0.to] < ends[$1.to] })
    {
      path.append(next.to)
    }
    return Graph(
      name: "Shop", modules: modules, nodes: nodes, edges: edges, startDuration: ends.max(),
      criticalPath: path.reversed())
  }
}
