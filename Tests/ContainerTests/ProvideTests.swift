import Container
import Testing

@Suite struct ProvideTests {
  @Test func `A constructor gets its parameters by type and its result is asked for by type`() async throws {
    let found = Catch<String>()
    let app = App {
      Supply(Config(url: "here"))
      Provide { (config: Config) in Pool(url: config.url) }
      Provide(PgUsers.init(pool:)).as((any Users).self) { $0 }
      Invoke { (users: any Users) in found.put(users.find()) }
    }
    try await app.start()
    #expect(found.value == "user of here")
    try await app.stop()
  }

  @Test func `Each value is built once though many ask for it`() async throws {
    let journal = Journal()
    let app = App {
      Provide {
        journal.note("pool")
        return Pool(url: "")
      }
      for _ in 0..<20 { Invoke { (_: Pool) in journal.note("invoke") } }
    }
    try await app.start()
    try await app.stop()
    #expect(journal.count("pool") == 1)
    #expect(journal.count("invoke") == 20)
  }

  @Test func `What nothing reaches is not built, unless it is eager`() async throws {
    let journal = Journal()
    let app = App {
      Provide { () -> Pool in
        journal.note("lazy")
        return Pool(url: "")
      }
      Provide { () -> Cache in
        journal.note("eager")
        return Cache()
      }.eager()
    }
    try await app.start()
    try await app.stop()
    #expect(journal.entries == ["eager"])
  }

  @Test func `One constructor provides several values`() async throws {
    let found = Catch<String>()
    let app = App {
      Supply(Config(url: "u"))
      Provide(all: { (config: Config) in (Pool(url: config.url), Int64(3)) })
      Invoke { (pool: Pool, number: Int64) in found.put("\(pool.url) \(number)") }
    }
    try await app.start()
    try await app.stop()
    #expect(found.value == "u 3")
  }

  @Test func `Tags keep values of one type apart`() async throws {
    let found = Catch<[String]>()
    let app = App {
      Provide { Pool(url: "p") }.tagged(Primary.self)
      Provide { Pool(url: "r") }.tagged(Replica.self)
      Invoke { (primary: Tagged<Primary, Pool>, replica: Tagged<Replica, Pool>) in
        found.put([primary.url, replica.value.url])
      }
    }
    try await app.start()
    try await app.stop()
    #expect(found.value == ["p", "r"])
  }

  @Test func `A group holds every contribution in the order given, then of the modules`() async throws {
    let found = Catch<[String]>()
    struct Child: Module {
      var body: [any ModuleElement] { Provide { Route(path: "/child") }.grouped() }
    }
    let app = App {
      Child()
      Supply(Route(path: "/last")).grouped(order: 1)
      Provide { Route(path: "/own") }.grouped()
      Invoke { (routes: Group<Route>) in found.put(routes.map(\.path)) }
    }
    try await app.start()
    try await app.stop()
    #expect(found.value == ["/child", "/own", "/last"])
  }

  @Test func `Contributions may be tagged`() async throws {
    let found = Catch<[String]>()
    let app = App {
      Provide { Route(path: "/a") }.tagged(Primary.self).grouped()
      Provide { Route(path: "/b") }.grouped()
      Invoke { (routes: Group<Tagged<Primary, Route>>, all: Group<Route>, none: Group<Cache>) in
        found.put(routes.map(\.path) + all.map(\.path) + none.map { _ in "?" })
      }
    }
    try await app.start()
    try await app.stop()
    #expect(found.value == ["/a", "/b"])
  }

  @Test func `An optional parameter is nil only if nobody provides it`() async throws {
    let found = Catch<[Bool]>()
    let app = App {
      Supply(Config())
      Invoke { (config: Config?, cache: Cache?) in found.put([config != nil, cache != nil]) }
    }
    try await app.start()
    try await app.stop()
    #expect(found.value == [true, false])
  }

  @Test func `An optional parameter whose provider fails fails too`() async throws {
    let app = App {
      Provide { () throws -> Cache in throw Boom() }
      Invoke { (_: Cache?) in }
    }
    let error = await #expect(throws: ContainerError.self) { try await app.start() }
    #expect(error?.code == .constructionFailed)
    #expect(error?.cause is Boom)
  }

  @Test func `A running app is asked for values, also for those that nothing had reached`() async throws {
    let journal = Journal()
    let app = App {
      Supply(Config(url: "x"))
      Provide { (config: Config) in Pool(url: config.url) }
        .onStart { _ in journal.note("start") }
        .onStop { _ in journal.note("stop") }
    }
    try await app.start()
    #expect(journal.entries == [])
    #expect(try await app.get(Pool.self).url == "x")
    let pool: Pool = try await app.get()
    #expect(pool.url == "x")
    #expect(journal.entries == ["start"])
    let error = await #expect(throws: ContainerError.self) { try await app.get(Cache.self) }
    #expect(error?.code == .notProvided)
    try await app.stop()
    #expect(journal.entries == ["start", "stop"])
  }

  @Test func `A provider of an optional, a Lazy or a Factory serves the parameters of just that type`() async throws {
    let found = Catch<String>()
    let app = App {
      Provide { () -> Pool? in Pool(url: "maybe") }
      Provide { () -> Cache? in nil }
      Provide { Lazy<X> { X(n: 1) } }
      Provide { Factory<Num> { Num(2) } }
      Invoke { (pool: Pool?, cache: Cache?, x: Lazy<X>, number: Factory<Num>, same: Lazy<X>?) in
        let (one, two, three) = (try await x.get().n, try await number().n, try await same?.get().n)
        found.put("\(pool?.url ?? "none") \(cache == nil) \(one) \(two) \(three ?? 0)")
      }
    }
    try await app.start()
    try await app.stop()
    #expect(found.value == "maybe true 1 2 1")
  }

  @Test func `A call gets what a parameter of that type would get`() async throws {
    let app = App {
      Provide { Num(1) }
      Provide { X(n: 2) }.lifetime(.transient)
      Supply(Route(path: "/")).grouped()
      Provide { Cache() }.lifetime(.scoped)
    }
    try await app.start()
    #expect(try await app.get(Lazy<Num>.self).get().n == 1)
    #expect(try await app.get(Lazy<Num>?.self)?.get().n == 1)
    #expect(try await app.get(Lazy<Pool>?.self) == nil)
    #expect(try await app.get(Factory<X>.self)().n == 2)
    #expect(try await app.get(Group<Route>?.self)?.count == 1)
    #expect(try await app.get(AppControl.self).state == .running)
    #expect(try await app.get(ShutdownSignal.self).isRequested == false)
    _ = try await app.get(ScopeFactory.self).withScope { try await $0.get(Scope.self).get(Cache.self) }
    let error = await #expect(throws: ContainerError.self) { try await app.get(Lazy<Pool>.self) }
    #expect(error?.code == .notProvided)
    try await app.stop()
  }

  @Test func `Functions, tuples, existentials and generic types are keys like any other`() async throws {
    let found = Catch<String>()
    let app = App {
      Provide { { 3 } as @Sendable () -> Int }
      Provide { (1, "x") }
      Provide { PgUsers(pool: Pool(url: "db")) }.as((any Users & Sendable).self) { $0 }
      Provide { ["a": [1]] }
      Invoke { (f: @escaping @Sendable () -> Int, pair: (Int, String), users: any Users, map: [String: [Int]]) in
        found.put("\(f()) \(pair) \(users.find()) \(map)")
      }
    }
    try await app.start()
    try await app.stop()
    #expect(found.value == "3 (1, \"x\") user of db [\"a\": [1]]")
    #expect(app.graph.nodes.map(\.origin.name).contains("[String: [Int]]"))
    #expect(Key((any Users)?.self).description == "(any Users)?")
  }

  @Test func `An override replaces a provider anywhere, with its hooks`() async throws {
    let journal = Journal()
    struct Inner: Module {
      let journal: Journal
      var body: [any ModuleElement] {
        Provide { Pool(url: "real") }.onStart { [journal] _ in journal.note("real") }
        Invoke { [journal] (pool: Pool) in journal.note("got \(pool.url)") }
      }
    }
    let app = App {
      Inner(journal: journal)
      Override { Pool(url: "fake") }
    }
    try await app.start()
    try await app.stop()
    #expect(journal.entries == ["got fake"])
  }
}

/// What an override is in place of: the replaced provider is as if it had not been written, whatever its lifetime.
@Suite struct OverrideTests {
  struct Request: Sendable, Equatable { var id = 0 }
  struct Missing: Sendable {}

  @Test(arguments: [Lifetime.singleton, .scoped, .transient])
  func `The hooks and the needs of what is overridden are gone with it`(lifetime: Lifetime) async throws {
    let journal = Journal()
    let app = App {
      Provide { (_: Missing) in Pool(url: "real") }.lifetime(lifetime)
        .onStart { _ in journal.note("start") }
        .onStop { _ in journal.note("stop") }
      Override { Pool(url: "fake") }
    }
    try app.validate()
    try await app.start()
    let url = try await app.withScope { try await $0.get(Pool.self).url }
    #expect(url == "fake")
    try await app.stop()
    #expect(journal.entries == [])
  }

  @Test func `A lifecycle that an overridden transient value asks for is no fault`() throws {
    try App {
      Provide { (_: Lifecycle) in Pool(url: "real") }.lifetime(.transient)
      Override { Pool(url: "fake") }
    }.validate()
  }

  @Test func `Hooks of an override in place of a transient value are refused once, though a later one is not`() throws {
    let app = App {
      Provide { Pool(url: "real") }.lifetime(.transient)
      Override { Pool(url: "fake") }.onStop { _ in }
    }
    let error = try #require(#expect(throws: ContainerError.self) { try app.validate() })
    #expect(error.related.map(\.code) == [.hooksOnTransient])
    try App {
      Provide { Pool(url: "real") }.lifetime(.transient)
      Override { Pool(url: "fake") }.onStop { _ in }
      Override { Pool(url: "other") }
    }.validate()
  }

  @Test func `An overridden input of scopes is the override's, whatever a scope is opened with`() async throws {
    let made = Flag()
    let app = App {
      ScopeInput(Request.self)
      Provide { (request: Request) in Num(request.id) }.lifetime(.scoped)
      Override {
        made.hit()
        return Request(id: 7 + made.count)
      }
    }
    try await app.start()
    let (own, handedOn, anew) = try await app.withScope(supplying: Request(id: 1)) { scope in
      (
        try await scope.get(Num.self).n,
        try await scope.withScope { try await $0.get(Request.self).id },
        try await scope.withScope(supplying: Request(id: 2)) { try await $0.get(Num.self).n }
      )
    }
    #expect([own, handedOn, anew] == [8, 8, 9])
    let unsupplied = try await app.withScope { try await $0.get(Request.self).id }
    #expect(unsupplied == 10)
    try await app.stop()
  }

  @Test func `Overrides of nothing are told in the order they are written`() throws {
    for _ in 0..<8 {
      let app = App {
        Override { X() }
        Override { Y() }
        Override { Z() }
        Override { Pool(url: "") }
      }
      let error = try #require(#expect(throws: ContainerError.self) { try app.validate() })
      #expect(error.related.map { $0.origin?.name } == ["X", "Y", "Z", "Pool"])
    }
  }
}
