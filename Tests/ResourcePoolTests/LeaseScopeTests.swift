import Testing

@testable import ResourcePool

@Suite struct LeaseScopeTests {
  /// What the task that asks sees: the holders' tasks aside, which of them wait for it, the innermost first.
  private var awaiting: [Bool] { (LeaseScope.holders ?? []).map(\.isAwaiting) }

  @Test func `the task of a scope, and one outside of all, find no other holder`() async {
    #expect(awaiting == [])
    await LeaseScope.during { await LeaseScope.during { #expect(awaiting == []) } }
    #expect(awaiting == [])
  }

  @Test func `children of any kind and depth are waited for`() async {
    await LeaseScope.during {
      async let child = awaiting
      #expect(await child == [true])
      await withTaskGroup { group in
        group.addTask { #expect(awaiting == [true]) }
        group.addTask { await withTaskGroup { $0.addTask { #expect(awaiting == [true]) } } }
        group.addTask { await LeaseScope.during { #expect(awaiting == [true]) } }
      }
    }
  }

  @Test func `a child in the scope of a child is waited for by both holders`() async {
    await LeaseScope.during {
      await withTaskGroup { group in
        group.addTask {
          await LeaseScope.during {
            async let deep = awaiting
            #expect(await deep == [true, true])
          }
        }
      }
    }
  }

  @Test func `unstructured tasks and their children are known, but not waited for`() async {
    await LeaseScope.during {
      #expect(await Task { awaiting }.value == [false])
      let deep = await Task<[Bool], Never> {
        async let child = awaiting
        return await child
      }.value
      #expect(deep == [false])
      let inner = await Task {
        await LeaseScope.during { () -> [Bool] in
          async let child = awaiting
          return await child
        }
      }.value
      #expect(inner == [true, false], "its own scope waits, the one around does not")
      #expect(await Task.detached { awaiting }.value == [])
    }
  }

  @Test func `the child of a group older than the scope is not waited for`() async {
    await withTaskGroup { group in
      let gate = AsyncStream<Void>.makeStream()
      await LeaseScope.during {
        group.addTask {
          #expect(awaiting == [false])
          for await _ in gate.stream {}
          #expect(awaiting == [])
        }
        async let child = awaiting
        #expect(await child == [false], "it is, but that cannot be told from the other")
        gate.continuation.yield()
      }
      gate.continuation.finish()
    }
  }

  @Test func `a task that outlives the scope is free of it`() async {
    let gate = AsyncStream<Void>.makeStream()
    let survivor = await LeaseScope.during {
      Task {
        for await _ in gate.stream {}
        return awaiting
      }
    }
    gate.continuation.finish()
    #expect(await survivor.value == [])
  }

  @Test func `scopes that overlap one after the other keep none of those before`() async {
    weak var first: LeaseScope?
    let (begun, over) = (AsyncStream<Void>.makeStream(), AsyncStream<Void>.makeStream())
    let second = await LeaseScope.during {
      first = LeaseScope.current
      let second = Task {
        await LeaseScope.during {
          begun.continuation.finish()
          for await _ in over.stream {}
          return Task { await LeaseScope.during { LeaseScope.current } }
        }
      }
      for await _ in begun.stream {}
      return second
    }
    over.continuation.finish()
    let third = await second.value.value
    #expect(third != nil && first == nil)
  }
}
