import Container
import Testing

@Suite struct ValidationTests {
  struct A: Sendable {}
  struct B: Sendable {}
  struct C: Sendable {}

  @Test func `Every fault is reported at once, with its place`() throws {
    let app = App {
      Provide { (_: Pool) in Cache() }
      Supply(1, line: 7)
      Supply(2, line: 8)
      Provide { (_: B) in A() }
      Provide { (_: C) in B() }
      Provide { (_: A) in C() }
      Invoke { (_: Cache, _: A, _: Int) in }
    }
    let error = try #require(#expect(throws: ContainerError.self) { try app.validate() })
    #expect(error.code == .invalidGraph)
    #expect(error.related.map(\.code) == [.duplicateProvider, .missingProvider, .cyclicDependency])
    #expect(error.description.contains("ContainerTests/ValidationTests.swift:7"))
    #expect(error.description.contains("ContainerTests/ValidationTests.swift:8"))
    #expect(error.description.contains("`A` → `B` → `C` → `A`"))
    #expect(error.description.contains("nobody provides `Pool`"))
  }

  @Test func `An invalid app does not start`() async throws {
    let app = App { Invoke { (_: Pool) in } }
    let error = await #expect(throws: ContainerError.self) { try await app.start() }
    #expect(error?.code == .invalidGraph)
    #expect(app.state == .built)
  }

  @Test func `Unused providers are noted`() throws {
    let report = try App {
      Supply(Config())
      Provide { (config: Config) in Pool(url: config.url) }
    }.validate()
    #expect(report.unused.map(\.name) == ["Config", "Pool"])
  }

  @Test func `An override of nothing and a decoration of nothing are faults`() throws {
    let app = App {
      Override { Pool(url: "") }
      Decorate { (log: Logger) in log }
    }
    let error = try #require(#expect(throws: ContainerError.self) { try app.validate() })
    #expect(error.contains(.nothingToOverride))
    #expect(error.contains(.nothingToDecorate))
  }

  @Test func `A tag under which nobody provides the type is a fault that names the one that there is`() throws {
    let app = App {
      Provide { Pool(url: "") }.tagged(Replica.self)
      Invoke { (_: Tagged<Primary, Pool>) in }
    }
    let error = try #require(#expect(throws: ContainerError.self) { try app.validate() })
    #expect(error.related.map(\.code) == [.unreachableTag])
    #expect(error.description.contains("Tagged<Replica, Pool>"))
  }

  @Test func `A value that needs itself is a cycle`() throws {
    let app = App { Provide { (_: A) in A() } }
    let error = try #require(#expect(throws: ContainerError.self) { try app.validate() })
    #expect(error.contains(.cyclicDependency))
  }

  @Test func `A value asked of an app with faults is refused with all of them`() async throws {
    struct Missing: Sendable {}
    let app = App {
      Provide { (_: Missing) in A() }.lifetime(.scoped)
      Provide { (_: Missing) in Pool(url: "") }.lifetime(.transient)
      Provide { (_: Missing) in Cache() }
    }
    let scoped = await #expect(throws: ContainerError.self) {
      try await app.withScope { scope in _ = try await scope.get(A.self) }
    }
    let transient = await #expect(throws: ContainerError.self) { try await app.get(Pool.self) }
    let singleton = await #expect(throws: ContainerError.self) { try await app.get(Cache.self) }
    #expect([scoped?.code, transient?.code, singleton?.code] == [.invalidGraph, .invalidGraph, .invalidGraph])
  }
}
