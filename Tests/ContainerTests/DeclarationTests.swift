import ContainerTesting
import Synchronization
import Testing

@testable import Container

/// Declarations that meet: overrides, duplicates, optionals.
@Suite(.timeLimit(.minutes(5))) struct DeclarationTests {
  @Test func `hooks on the override of a transient value are refused`() throws {
    let app = App {
      Provide { X() }.lifetime(.transient)
      Override { X() }.onStart { _ in }
      Invoke { (_: X) in }
    }
    #expect(throws: ContainerError.self) { try app.validate() }
  }

  @Test func `the override of an eager value is eager`() async throws {
    let built = Flag()
    let app = App {
      Provide { X() }.eager()
      Override { () -> X in
        built.hit(); return X()
      }
    }
    try await app.start(); try await app.stop()
    #expect(built.count == 1)
  }

  @Test func `duplicates of an overridden type are named at their own lines`() throws {
    let app = App {
      Provide { X() }
      Provide { X() }
      Override { X() }
      Invoke { (_: X) in }
    }
    do { try app.validate(); Issue.record("valid") } catch {
      let d = error.related[0].details
      #expect(d[0] != d[1])
    }
  }

  @Test func `private duplicates in two modules are all named`() throws {
    struct M: Module {
      let n: Int
      var name: String { "M\(n)" }
      var body: [any ModuleElement] { Provide { X() }.private(); Provide { X() }.private() }
    }
    let app = App {
      M(n: 1); M(n: 2)
    }
    do { try app.validate(); Issue.record("valid") } catch {
      #expect(error.description.ranges(of: "App/M2").count == 2)
    }
  }

  @Test func `an optional of an optional is what is provided`() async throws {
    let got = Catch<Num>()
    let app = App {
      Provide { Num(3) }; Invoke { (n: Num??) in if let n, let n { got.put(n) } }
    }
    try await app.start()
    #expect(got.value?.n == 3)
    try await app.stop()
  }
}
