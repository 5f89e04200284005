import Container
import ContainerTesting
import Foundation
import Testing

// What stands in the pages of Container.docc. What a page leaves to its reader is a stand-in in a private extension.

enum GettingStarted {
  struct Greeter: Sendable {
    let config: Config
    func greet(_ name: String) -> String { "\(config.greeting), \(name)" }
  }

  struct Config: Sendable { var greeting = "Hello" }

  struct GreetingModule: Module {
    var body: [any ModuleElement] {
      Supply(Config())
      Provide(Greeter.init(config:))
      Invoke { (greeter: Greeter) in
        precondition(greeter.greet("you") == "Hello, you")
      }
    }
  }

  struct Main {
    static func main() async throws {
      try await App { GreetingModule() }.run()
    }
  }

  @Suite struct Tests {
    @Test func `The app fits together`() throws {
      try App { GreetingModule() }.validate()
    }
  }

  static func draw(_ app: App) throws {
    try app.graph.html().write(toFile: "graph.html", atomically: true, encoding: .utf8)
  }
}

enum ContainerPage {
  struct UsersModule: Module {
    var body: [any ModuleElement] {
      Provide(PgUserRepository.init(pool:)).as((any UserRepository).self) { $0 }
      Provide { (pool: PostgresPool) in try await Cache(pool) }
        .onStart { cache in try await cache.warm() }
        .onStop { cache in await cache.flush() }
      Provide(UserRoutes.init(users:)).grouped()
      Run { (worker: Worker) in try await worker.run() }
    }
  }

  static func main() async throws {
    let app = App {
      DatabaseModule()
      UsersModule()
    }
    try await app.run()
  }
}

extension ContainerPage {
  struct PostgresPool: Sendable {}
  struct DatabaseModule: Module { var body: [any ModuleElement] { Supply(PostgresPool(), Worker()) } }
  protocol UserRepository: Sendable { func find(_ id: Int) async throws -> String? }
  struct PgUserRepository: UserRepository {
    let pool: PostgresPool
    func find(_ id: Int) async throws -> String? { nil }
  }
  struct Cache: Sendable {
    init(_ pool: PostgresPool) async throws {}
    func warm() async throws {}
    func flush() async {}
  }
  struct UserRoutes: Sendable { let users: any UserRepository }
  struct Worker: Sendable { func run() async throws {} }
}

enum LifecyclePage {
  struct Config: Sendable {}
  struct Cache: Sendable {
    init(_ config: Config) {}
    func warm() async throws {}
    func flush() async {}
  }

  @ModuleBuilder static var elements: [any ModuleElement] {
    Provide { (config: Config) in Cache(config) }
      .onStart(timeout: .seconds(5)) { cache in try await cache.warm() }
      .onStop { cache in await cache.flush() }
  }

  @ModuleBuilder static func stopping(_ app: App) -> [any ModuleElement] {
    Invoke { (control: AppControl) in
      Task { control.requestStop("asked by a task of a hook") }
      Task.detached { try await app.stop() }
    }
  }
}

enum ModulesPage {
  struct Storage: Sendable {}
  struct Index: Sendable { let storage: Storage }
  struct Shard: Sendable { init(_ index: Index, number: Int) {} }
  struct SuggestionsModule: Module { var body: [any ModuleElement] { Supply(Storage()) } }
  struct AuditModule: Module { var body: [any ModuleElement] { Supply(true) } }
  struct MigrationSet: Sendable {}

  struct SearchModule: Module {
    var shards = 1
    var withSuggestions = true

    var body: [any ModuleElement] {
      Provide(Index.init(storage:))
      for shard in 0..<shards { Provide { (index: Index) in Shard(index, number: shard) }.grouped() }
      if withSuggestions { SuggestionsModule() }
      AuditModule().when(shards > 1)
    }
  }

  struct Migrations: Module {
    let set: MigrationSet
    init(_ set: MigrationSet) { self.set = set }
    var body: [any ModuleElement] { Supply(set).grouped() }
  }
}

enum ScopesPage {
  struct Request: Sendable {}
  struct PostgresPool: Sendable {}
  struct Session: Sendable {
    init(of request: Request) {}
    func close() async {}
  }
  struct PlaceOrder: Sendable {
    let session: Session
    let pool: PostgresPool
    func run() async throws {}
  }

  struct OrdersModule: Module {
    var body: [any ModuleElement] {
      ScopeInput(Request.self)
      Provide { (request: Request) in Session(of: request) }
        .lifetime(.scoped)
        .onStop { session in await session.close() }
      Provide(PlaceOrder.init(session:pool:)).lifetime(.scoped)
    }
  }

  static func place(_ request: Request, _ app: App) async throws {
    try await app.withScope(supplying: request) { scope in
      try await scope.get(PlaceOrder.self).run()
    }
  }
}

enum TestingPage {
  protocol Pool: Sendable {}
  struct FakePool: Pool {}
  protocol UserRepository: Sendable { func find(_ id: Int) async throws -> String? }
  struct Users: UserRepository {
    let pool: any Pool
    func find(_ id: Int) async throws -> String? { "someone" }
  }
  struct UsersModule: Module {
    var body: [any ModuleElement] {
      Provide { () -> any Pool in FakePool() }
      Provide(Users.init(pool:)).as((any UserRepository).self) { $0 }
    }
  }

  @Suite struct Tests {
    @Test func `A user is found`() async throws {
      try await TestApp.run {
        UsersModule()
        Override { FakePool() as any Pool }
      } test: { app in
        let users = try await app.get((any UserRepository).self)
        #expect(try await users.find(1) != nil)
      }
    }
  }

  static func clock() {
    let time = ManualClock()
    var options = App.Options()
    options.clock = time.clock
  }
}
