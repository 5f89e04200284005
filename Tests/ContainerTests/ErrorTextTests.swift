import Container
import ContainerTesting
import Testing

/// The whole text of every error, beside the code that has it: `Fixtures/*.txt`.
@Suite struct ErrorTextTests {
  struct A: Sendable {}
  struct B: Sendable {}
  struct C: Sendable {}
  struct UserRepository: Sendable {}
  struct UserRepositry: Sendable {}
  struct Refused: Error, CustomStringConvertible {
    var description: String { "connection refused\nis the server running on host \"db\"?" }
  }

  struct Shop: Module {
    var body: [any ModuleElement] {
      Provide { Pool(url: "") }.tagged(Replica.self)
      Provide { (_: Pool) in Cache() }
      Provide { UserRepository() }
      Provide { (_: UserRepositry, _: Cache) in A() }
      Supply(Route(path: "/")).grouped()
      Invoke { (_: A, _: Route, _: Tagged<Primary, Pool>) in }
      Hidden()
      Invoke { (_: Logger) in }
    }
  }

  struct Hidden: Module {
    var body: [any ModuleElement] { Supply(Logger()).private() }
  }

  func invalid(_ name: String, @ModuleBuilder _ content: () -> [any ModuleElement]) throws {
    let error = try #require(#expect(throws: ContainerError.self) { try App { content() }.validate() })
    try expectGolden(error.description + "\n", name)
  }

  @Test func `Missing types, with what was meant`() throws { try invalid("missing.txt") { Shop() } }

  @Test func `Two providers of one type`() throws {
    try invalid("duplicate.txt") {
      Supply(Config())
      Provide { Config() }
      Hidden()
    }
  }

  struct Twice: Module {
    var body: [any ModuleElement] { Provide { C() } }
  }

  @Test func `Several providers that are one line, or many, or of nothing`() throws {
    try invalid("duplicates.txt") {
      Twice()
      Twice()
      for number in 0..<40 { Supply(number) }
      Provide { (_: A?) in }
      Provide {}
    }
  }

  @Test func `Values that ask for themselves, and a long way round`() throws {
    try invalid("cycles.txt") {
      Provide { (a: A) in a }
      Supply(B())
      Override { (b: B) in b }
      Provide { C() }
      Override { (c: C) in c }
      Decorate { (c: C) in c }
      ring(14, Int.self)
    }
  }

  private struct Link<Value: Sendable>: Sendable {}

  private func ring<Value: Sendable>(_ length: Int, _ type: Value.Type) -> [any ModuleElement] {
    guard length > 1 else { return [Provide { (_: Link<Int>) in Link<Value>() }] }
    return [Provide { (_: Link<[Value]>) in Link<Value>() }] + ring(length - 1, [Value].self)
  }

  @Test func `Parameters of types that have a meaning of their own`() throws {
    try invalid("composed.txt") {
      Provide { () -> A? in nil }
      Provide { (B(), C()) }
      Supply(Route(path: "/")).grouped()
      Invoke { (_: A, _: B, _: Lazy<Group<Route>>, _: Scope) in }
      Provide { Cache() }.lifetime(.scoped)
      Run { (_: Cache) in }
    }
  }

  @Test func `A cycle`() throws {
    try invalid("cycle.txt") {
      Provide { (_: B) in A() }
      Provide { (_: C) in B() }
      Provide { (_: A) in C() }
      Invoke { (_: A, _: Pool) in }
    }
  }

  @Test func `Lifetimes that do not fit`() throws {
    try invalid("lifetimes.txt") {
      Provide { A() }.lifetime(.scoped)
      Provide { (_: A) in B() }.lifetime(.transient)
      Provide { (_: B) in C() }
      Provide { (_: Scope) in Cache() }
      Provide { Pool(url: "") }.lifetime(.transient).onStop { _ in }
      Invoke { (_: Factory<C>) in }
    }
  }

  @Test func `Lifetimes of what has none to choose`() throws {
    try invalid("lifetimes-of-others.txt") {
      Provide { A() }.lifetime(.scoped)
      Provide { B() }
      Override { (_: A) in B() }
      Provide { C() }
      Decorate { (c: C, _: A) in c }
      Provide { Cache() }
      Decorate { (cache: Cache, _: Scope) in cache }
      Provide { Pool(url: "") }.lifetime(.transient)
      Decorate { (pool: Pool, _: Lifecycle) in pool }
      Supply(Config())
      Invoke { (_: Factory<Config>) in }
    }
  }

  @Test func `Changes to what is not there`() throws {
    try invalid("nothing.txt") {
      Supply(UserRepository())
      Override { UserRepositry() }
      Decorate { (log: Logger) in log }
      Invoke { (_: UserRepository) in }
    }
  }

  @Test func `An override that has hooks in place of a transient value`() throws {
    try invalid("override.txt") {
      Provide { Pool(url: "") }.lifetime(.transient)
      Supply(Route(path: "/")).grouped()
      Override { Pool(url: "fake") }.onStop { _ in }
      Override { Route(path: "/fake") }
      Override { Group<Route>([]) }
      Override { Lazy { Pool(url: "fake") } }
    }
  }

  @Test func `What unused providers ask for in vain, and that they may be deleted`() throws {
    try invalid("unused.txt") {
      Provide { (_: Pool) in Cache() }
      Provide { (_: Logger) in A() }
      Provide { (_: Logger, _: A) in B() }
      Provide { (_: Config) in C() }.lifetime(.scoped)
      Provide { (_: Config) in UserRepository() }
    }
  }

  @Test func `A constructor that throws, with who needed it and the roll-back`() async throws {
    let app = App(serial()) {
      Provide { Cache() }.onStop { _ in throw Boom() }
      Provide { (_: Cache) throws -> Pool in throw Refused() }
      Provide { (_: Pool) in A() }
      Invoke { (_: A) in }
    }
    let error = try #require(await #expect(throws: ContainerError.self) { try await app.start() })
    try expectGolden(error.description.replacing(/after [\d.]+ \S*s/, with: "after •") + "\n", "construction.txt")
  }

  @Test func `A hook that throws`() async throws {
    let app = App {
      Provide { Cache() }.onStart { _ in throw Refused() }
      Invoke { (_: Cache) in }
    }
    let error = try #require(await #expect(throws: ContainerError.self) { try await app.start() })
    try expectGolden(error.description.replacing(/after [\d.]+ \S*s/, with: "after •") + "\n", "hook.txt")
  }

  @Test func `Notes on what is optional and what is unused`() throws {
    let report = try App {
      Provide { Pool(url: "") }.tagged(Replica.self)
      Invoke { (_: Pool?) in }
    }.validate()
    try expectGolden(report.description + "\n", "notes.txt")
  }

  @Test func `What is decorated past and what is eager in vain is noted`() throws {
    struct Inner: Module {
      var body: [any ModuleElement] {
        Supply(Route(path: "/inner")).grouped().private()
        Invoke { (_: Group<Route>) in }
      }
    }
    let report = try App {
      Inner()
      Decorate { (routes: Group<Route>) in routes }
      Provide { A() }.lifetime(.scoped).eager()
    }.validate()
    try expectGolden(report.description + "\n", "vain.txt")
  }

  @Test func `A value that was not grouped while its group is asked for is noted`() throws {
    let report = try App {
      Provide { Pool(url: "") }
      Provide { Cache() }.grouped()
      Invoke { (_: Group<Pool>, _: Group<Cache>) in }
    }.validate()
    try expectGolden(report.description + "\n", "ungrouped.txt")
  }

  @Test func `A member of a group for which nobody asks is noted, with the group that it may have been meant for`()
    throws
  {
    struct Polite: Greeting {}
    let report = try App {
      Provide { Polite() }.grouped()
      Provide { [Route(path: "/a"), Route(path: "/b")] }.grouped()
      Provide { Polite() }.as((any Greeting).self) { $0 }.grouped()
      Invoke { (_: Group<any Greeting>, _: Group<Route>) in }
    }.validate()
    try expectGolden(report.description + "\n", "group-in-vain.txt")
  }

  @Test func `A protocol of which a value is provided is written with what binds it`() throws {
    struct PoliteGreeting: Greeting {}
    let app = App {
      Provide { PoliteGreeting() }
      Invoke { (_: any Greeting) in }
    }
    let error = try #require(#expect(throws: ContainerError.self) { try app.validate() })
    try expectGolden(error.description + "\n", "unbound.txt")
  }

  @Test func `A protocol is told of the values that nobody asks for: one of them may be meant`() throws {
    struct Hello: Greeting {}
    let app = App {
      Provide { Hello() }
      Provide { Cache() }
      Provide { Config() }
      Invoke { (_: any Greeting, _: Config) in }
    }
    let error = try #require(#expect(throws: ContainerError.self) { try app.validate() })
    try expectGolden(error.description + "\n", "unasked.txt")
  }

  @Test func `A type that a module of the package provides is told by the name of that`() throws {
    struct Stock: ModuleOffer { static let offeringModule = "StockModule()" }
    let app = App { Invoke { (_: Stock) in } }
    let error = try #require(#expect(throws: ContainerError.self) { try app.validate() })
    try expectGolden(error.description + "\n", "offer.txt")
  }

  @Test func `A protocol that nobody provides is written as it has to be`() throws {
    let app = App { Invoke { (_: any Greeting) in } }
    let error = try #require(#expect(throws: ContainerError.self) { try app.validate() })
    try expectGolden(error.description + "\n", "protocol.txt")
  }

  private protocol Greeting: Sendable {}

  @Test func `A value asked of the app that is private`() async throws {
    let app = App { Hidden() }
    try await app.start()
    let error = try #require(await #expect(throws: ContainerError.self) { try await app.get(Logger.self) })
    try expectGolden(error.description + "\n", "not-provided.txt")
    try await app.stop()
  }
}
