import Container
import Testing

/// Groups of wrappers, overrides of several providers, factories of what calls them.
@Suite(.timeLimit(.minutes(5))) struct WrapperTests {
  @Test func `A group of wrappers that nobody contributes is refused`() async throws {
    let app = App {
      Provide { Route(path: "/") }.grouped()
      Invoke { (_: Group<Lazy<Route>>) in }
      Invoke { (_: Group<Route?>) in }
    }
    let error = try #require(#expect(throws: ContainerError.self) { try app.validate() })
    try expectGolden(error.description + "\n", "group-of-wrappers.txt")
    let running = App { Provide { Route(path: "/") }.grouped() }
    try await running.start()
    let asked = await #expect(throws: ContainerError.self) { try await running.get(Group<Lazy<Route>>.self) }
    #expect(asked?.code == .notProvided)
    try await running.stop()
  }

  @Test func `A group of wrappers that may be absent is absent`() async throws {
    let app = App {
      Provide { Route(path: "/") }.grouped()
      Invoke { (routes: Group<Lazy<Route>>?) in #expect(routes == nil) }
    }
    try await app.start()
    #expect(try await app.get(Group<Lazy<Route>>?.self) == nil)
    try await app.stop()
  }

  @Test func `A group of wrappers that are contributed is a group like any other`() async throws {
    let app = App {
      Provide { Route(path: "/") }
      Provide { (route: Lazy<Route>) in route }.grouped()
      Invoke { (routes: Group<Lazy<Route>>) in #expect(routes.count == 1) }
    }
    try await app.start()
    #expect(try await app.get(Group<Lazy<Route>>.self).count == 1)
    try await app.stop()
  }

  @Test func `An override of private providers of different lifetimes is refused`() throws {
    struct One: Module {
      var body: [any ModuleElement] {
        Provide { Cache() }.private()
        Invoke { (_: Cache) in }
      }
    }
    struct Two: Module {
      var body: [any ModuleElement] { Provide { Cache() }.lifetime(.transient).private() }
    }
    let app = App {
      One()
      Two()
      Override { Cache() }
    }
    let error = try #require(#expect(throws: ContainerError.self) { try app.validate() })
    try expectGolden(error.description + "\n", "override-lifetimes.txt")
  }

  struct Node: Sendable {
    let children: [any Sendable]
  }

  @Test func `A constructor that calls a factory of itself without end is told`() async throws {
    let app = App {
      Provide { (nodes: Factory<Node>) in Node(children: [try await nodes()]) }.lifetime(.transient)
    }
    try await app.start()
    var error = try #require(await #expect(throws: ContainerError.self) { try await app.get(Node.self) })
    while let cause = error.cause as? ContainerError { error = cause }
    try expectGolden(error.description + "\n", "endless-factory.txt")
    try await app.stop()
  }

  /// Ends by itself at last, lest a test that fails take all memory.
  struct NodeMaker: Sendable {
    let nodes: Factory<Node>
    let made = Flag()

    func make() async throws -> Node {
      made.hit()
      guard made.count < 1_000 else { throw Boom() }
      return try await nodes()
    }
  }

  @Test func `A constructor that makes itself without end by way of a singleton is told`() async throws {
    let app = App {
      Provide { (nodes: Factory<Node>) in NodeMaker(nodes: nodes) }
      Provide { (maker: NodeMaker) in Node(children: [try await maker.make()]) }.lifetime(.transient)
    }
    try await app.start()
    var error = try #require(await #expect(throws: ContainerError.self) { try await app.get(Node.self) })
    while let cause = error.cause as? ContainerError { error = cause }
    #expect(error.code == .lazyCycle)
    #expect(try await app.get(NodeMaker.self).made.count == 100)
    try await app.stop()
  }

  @Test func `A constructor may call a factory of itself some times`() async throws {
    let left = Flag()
    let app = App {
      Provide { (nodes: Factory<Node>) in
        left.hit()
        return Node(children: left.count < 50 ? [try await nodes()] : [])
      }.lifetime(.transient)
    }
    try await app.start()
    // Each for itself: what has been made does not count.
    for _ in 0..<100 { _ = try await app.get(Node.self) }
    #expect(left.count == 149)
    try await app.stop()
  }
}
