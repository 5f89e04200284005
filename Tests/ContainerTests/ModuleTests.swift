import Container
import Testing

@Suite struct ModuleTests {
  struct Inner: Module {
    let journal: Journal
    var body: [any ModuleElement] {
      Decorate { (log: Logger) in log.with("inner") }
      Invoke { [journal] (log: Logger) in journal.note(log.path.joined(separator: ".")) }
    }
  }

  struct Outer: Module {
    let journal: Journal
    var extras = 0
    var withInner = true
    var body: [any ModuleElement] {
      Decorate { (log: Logger) in log.with("outer") }
      Decorate { (log: Logger) in log.with("again") }
      if withInner { Inner(journal: journal) } else { Supply(Cache()) }
      for index in 0..<extras { Supply(Route(path: "/\(index)")).grouped() }
    }
  }

  @Test func `Decoration stacks in order and stays inside its module`() async throws {
    let journal = Journal()
    let app = App(serial()) {
      Supply(Logger())
      Outer(journal: journal)
      Invoke { (log: Logger) in journal.note(log.path.joined(separator: ".")) }
    }
    try await app.start()
    try await app.stop()
    #expect(journal.entries == ["root.outer.again.inner", "root"])
  }

  @Test func `A body may use if, else and for`() async throws {
    let found = Catch<String>()
    let app = App {
      Supply(Logger())
      Outer(journal: Journal(), extras: 3, withInner: false)
      Invoke { (routes: Group<Route>, cache: Cache?) in found.put("\(routes.count) \(cache != nil)") }
    }
    try await app.start()
    try await app.stop()
    #expect(found.value == "3 true")
  }

  @Test func `What is private is seen by the module and its children, and hides what is outside`() async throws {
    let journal = Journal()
    struct Child: Module {
      let journal: Journal
      var body: [any ModuleElement] { Invoke { [journal] (pool: Pool) in journal.note("child \(pool.url)") } }
    }
    struct Owner: Module {
      let journal: Journal
      var body: [any ModuleElement] {
        Provide { Pool(url: "hidden") }.private()
        Child(journal: journal)
      }
    }
    let app = App(serial()) {
      Supply(Pool(url: "open"))
      Owner(journal: journal)
      Invoke { (pool: Pool) in journal.note("app \(pool.url)") }
    }
    try await app.start()
    try await app.stop()
    #expect(journal.entries == ["child hidden", "app open"])
  }

  @Test func `What is private is missing outside`() async throws {
    struct Owner: Module {
      var body: [any ModuleElement] { Provide { Pool(url: "hidden") }.private() }
    }
    let app = App {
      Owner()
      Invoke { (_: Pool) in }
    }
    let error = #expect(throws: ContainerError.self) { try app.validate() }
    #expect(error?.contains(.missingProvider) == true)
  }

  @Test func `A whole group can be decorated`() async throws {
    let found = Catch<[String]>()
    let app = App {
      Supply(Route(path: "/b")).grouped()
      Supply(Route(path: "/a")).grouped()
      Decorate { (routes: Group<Route>) in Group(routes.sorted { $0.path < $1.path }) }
      Invoke { (routes: Group<Route>) in found.put(routes.map(\.path)) }
    }
    try await app.start()
    try await app.stop()
    #expect(found.value == ["/a", "/b"])
  }

  @Test func `Transient members of a decorated group are new for each parameter, and may need a scope`() async throws {
    let app = App {
      Supply(Config(url: "scoped"))
      Provide { (config: Config) in Pool(url: config.url) }.lifetime(.scoped)
      Provide { (_: Pool) in Num(1) }.lifetime(.transient).grouped()
      Decorate { (numbers: Group<Num>) in Group(numbers.reversed()) }
    }
    try await app.start()
    try await app.withScope { scope in
      let (one, other) = (try await scope.get(Group<Num>.self), try await scope.get(Group<Num>.self))
      #expect(one[0] !== other[0])
    }
    try await app.stop()
  }

  @Test func `An element is left out when its condition does not hold`() throws {
    let app = App {
      Supply(Config()).when(false)
      Invoke { (_: Config) in }
    }
    #expect(throws: ContainerError.self) { try app.validate() }
  }
}

func serial() -> App.Options {
  var options = App.Options()
  options.order = .serial
  return options
}
