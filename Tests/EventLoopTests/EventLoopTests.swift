import Dispatch
import EventLoop
import Glibc
import Synchronization
import Testing

/// What the handler of a signal knows.
private enum StopHandler {
  static let write = Atomic<Int32>(-1)
  static let microseconds = Atomic<UInt32>(0)
}

@Suite struct EventLoopTests {
  @Test func `a loop for which there are not enough descriptors says so, and what to do`() async {
    await #expect(processExitsWith: .success) {
      var limit = rlimit()
      try #require(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
      let free = dup(0)
      close(free)
      limit.rlim_cur = rlim_t(free)
      try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
      let error = #expect(throws: EventLoopError.self) { try EventLoop() }
      let text = error?.description ?? ""
      #expect(text.contains("Too many open files (errno 24); raise the limit of open files (ulimit -n"), "\(text)")
    }
  }

  @Test func `work runs on the loop's thread, in order`() async throws {
    let loop = try EventLoop()
    let seen = Mutex<[Int]>([])
    await withCheckedContinuation { done in
      for number in 1...3 {
        loop.execute {
          seen.withLock { $0.append(loop.isCurrent ? number : -number) }
          if number == 3 { done.resume() }
        }
      }
    }
    #expect(seen.withLock { $0 } == [1, 2, 3])
    #expect(!loop.isCurrent)
    await loop.stop()
  }

  @Test func `work given to a stopped loop is refused`() async throws {
    let loop = try EventLoop()
    #expect(loop.execute {})
    await loop.stop()
    #expect(!loop.execute { Issue.record("ran after the stop") })
  }

  @Test func `a task that prefers the loop stays on it across awaits and in child tasks`() async throws {
    let loop = try EventLoop()
    let places = await Task(executorPreference: loop) {
      var places = [loop.isCurrent]
      await Task.yield()
      places.append(loop.isCurrent)
      async let child = loop.isCurrent
      places.append(await child)
      return places
    }.value
    #expect(places == [true, true, true])
    await loop.stop()
  }

  @Test func `timers run by deadline, equal ones by age, cancelled ones never`() async throws {
    let loop = try EventLoop()
    let seen = Mutex<[String]>([])
    await withCheckedContinuation { done in
      loop.execute {
        loop.schedule(after: .milliseconds(30)) { done.resume() }
        loop.schedule(after: .milliseconds(20)) { seen.withLock { $0.append("later") } }
        let cancelled = loop.schedule(after: .milliseconds(10)) { seen.withLock { $0.append("cancelled") } }
        loop.schedule(after: .milliseconds(1)) { seen.withLock { $0.append("sooner") } }
        cancelled.cancel()
      }
    }
    #expect(seen.withLock { $0 } == ["sooner", "later"])
    await loop.stop()
  }

  @Test func `a descriptor's handler is told of data, and of nothing after its registration is cancelled`() async throws
  {
    let loop = try EventLoop()
    let pipe = try Pipe()
    let received = try await withCheckedThrowingContinuation { (done: CheckedContinuation<String, any Error>) in
      let registration = Mutex<Registration?>(nil)
      do {
        let made = try loop.register(pipe.reader, .read) { readiness in
          registration.withLock { $0 }?.cancel()
          done.resume(returning: readiness.contains(.read) ? pipe.read() : "not readable")
        }
        registration.withLock { $0 = made }
        pipe.write("ping")
      } catch {
        done.resume(throwing: error)
      }
    }
    #expect(received == "ping")
    // A second call would resume the continuation twice and trap; give it the chance.
    pipe.write("pong")
    await withCheckedContinuation { turn in loop.schedule(after: .milliseconds(5)) { turn.resume() } }
    await loop.stop()
  }

  @Test func `what came in time is handled before a timer that fell due while the process was stopped`() async throws {
    // Longer waits for a machine that is so busy that the timer is due before the stop.
    for wait in [Duration.milliseconds(50), .milliseconds(500), .seconds(5)] {
      let first = try await firstAfterStop(timer: wait)
      if first == "answer" { return }
    }
    Issue.record("the timer came first")
  }

  /// What the loop does first when its thread is held up in its wait, by a signal whose handler writes an answer and
  /// returns when the timer is due.
  private func firstAfterStop(timer: Duration) async throws -> String {
    let loop = try EventLoop()
    let pipe = try Pipe()
    let order = Mutex<[String]>([])
    StopHandler.write.store(pipe.writer, ordering: .relaxed)
    StopHandler.microseconds.store(UInt32(timer / .microseconds(1)), ordering: .relaxed)
    signal(SIGUSR2) { _ in
      _ = Glibc.write(StopHandler.write.load(ordering: .relaxed), "!", 1)
      usleep(StopHandler.microseconds.load(ordering: .relaxed))
    }
    let registration = try loop.register(pipe.reader, .read) { _ in
      _ = pipe.read()
      order.withLock { $0.append("answer") }
    }
    await withCheckedContinuation { done in
      loop.execute {
        let thread = pthread_self()
        var signals = sigset_t()
        sigaddset(&signals, SIGUSR2)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        loop.schedule(after: timer) {
          order.withLock { $0.append("timer") }
          loop.execute { done.resume() }
        }
        DispatchQueue.global().async { pthread_kill(thread, SIGUSR2) }
      }
    }
    registration.cancel()
    await loop.stop()
    return order.withLock { $0.first } ?? ""
  }

  @Test func `what came while a handler held the loop up is handled before a timer that fell due meanwhile`()
    async throws
  {
    let loop = try EventLoop()
    let (slow, quick) = (try Pipe(), try Pipe())
    let order = Mutex<[String]>([])
    _ = try loop.register(quick.reader, .read) { _ in
      _ = quick.read()
      order.withLock { $0.append("answer") }
    }
    try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
      do {
        _ = try loop.register(slow.reader, .read) { _ in
          _ = slow.read()
          let patience = Duration.milliseconds(5)
          loop.schedule(after: patience) {
            order.withLock { $0.append("timer") }
            loop.execute { done.resume() }
          }
          let end = ContinuousClock.now + patience
          quick.write("!")
          while ContinuousClock.now <= end {}
        }
        slow.write("!")
      } catch {
        done.resume(throwing: error)
      }
    }
    #expect(order.withLock { $0 } == ["answer", "timer"])
    await loop.stop()
  }

  @Test func `what a descriptor's handler queued runs before the handler of the next one that is ready`() async throws {
    let loop = try EventLoop()
    let pipes = [try Pipe(), try Pipe()]
    let order = Mutex<[String]>([])
    try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
      loop.execute {
        do {
          // Both are ready when the loop looks next.
          for pipe in pipes {
            pipe.write("ping")
            _ = try loop.register(pipe.reader, .read) { _ in
              order.withLock { $0.append(pipe.read()) }
              loop.execute {
                let isOver = order.withLock { order in
                  order.append("pong")
                  return order.count == 4
                }
                if isOver { done.resume() }
              }
            }
          }
        } catch {
          done.resume(throwing: error)
        }
      }
    }
    #expect(order.withLock { $0 } == ["ping", "pong", "ping", "pong"])
    await loop.stop()
  }

  @Test func `work on the loop is told whether other work runs before what it queues, and nobody else is`() async throws
  {
    let loop = try EventLoop()
    let seen = Mutex<[Bool]>([])
    await withCheckedContinuation { done in
      loop.execute {
        // These three run in one go, since they are queued together.
        for number in 1...3 {
          loop.execute {
            seen.withLock { $0.append(loop.hasMoreWork) }
            loop.execute { if number == 3 { done.resume() } }
          }
        }
      }
    }
    #expect(seen.withLock { $0 } == [true, true, false])
    #expect(!loop.hasMoreWork)
    await loop.stop()
  }

  @Test func `registering a plain file is an error that names the call`() async throws {
    let loop = try EventLoop()
    let file = open("/proc/self/status", O_RDONLY)
    defer { close(file) }
    let error = #expect(throws: EventLoopError.self) { try loop.register(file, .read) { _ in } }
    #expect(error?.description.contains("epoll_ctl") == true)
    await loop.stop()
  }

  @Test func `who watches a descriptor when the loop is stopped is told once, who has ceased to is not`() async throws {
    let loop = try EventLoop()
    let (watched, left) = (try Pipe(), try Pipe())
    let told = Mutex<[String]>([])
    let registration = try loop.register(
      watched.reader, .read, onStop: { told.withLock { $0.append(loop.isCurrent ? "" : "watched") } }, { _ in })
    try loop.register(left.reader, .read, onStop: { told.withLock { $0.append("left") } }, { _ in }).cancel()
    await loop.stop()
    await loop.stop()
    registration.cancel()
    #expect(told.withLock { $0 } == ["watched"])
    #expect(throws: EventLoopError.self) { try loop.register(left.reader, .read) { _ in } }
  }

  @Test func `stop runs what was queued, and a task that prefers a stopped loop still finishes`() async throws {
    let loop = try EventLoop()
    let ran = Mutex(false)
    loop.execute { ran.withLock { $0 = true } }
    await loop.stop()
    await loop.stop()
    #expect(ran.withLock { $0 })
    let value = await Task(executorPreference: loop) { 7 }.value
    #expect(value == 7)
  }

  @Test func `a turn that blocks is reported as a stall`() async throws {
    let (stalls, report) = AsyncStream.makeStream(of: Duration.self)
    var configuration = EventLoop.Configuration()
    configuration.stallThreshold = .milliseconds(5)
    configuration.onStall = { report.yield($0) }
    let loop = try EventLoop(configuration)
    loop.execute {
      let end = ContinuousClock.now.advanced(by: .milliseconds(10))
      while ContinuousClock.now < end {}
    }
    let stall = await stalls.first { _ in true }
    #expect(try #require(stall) >= .milliseconds(10))
    await loop.stop()
  }

  @Test func `jobs from many threads all run`() async throws {
    let loop = try EventLoop()
    let sum = await withTaskGroup(of: Int.self) { group in
      for number in 0..<1000 {
        group.addTask { await Task(executorPreference: loop) { loop.isCurrent ? number : 0 }.value }
      }
      return await group.reduce(0, +)
    }
    #expect(sum == 499_500)
    await loop.stop()
  }
}

private final class Pipe: Sendable {
  let reader: Int32
  let writer: Int32

  init() throws {
    var ends: [Int32] = [0, 0]
    try #require(Glibc.pipe(&ends) == 0)
    (reader, writer) = (ends[0], ends[1])
  }

  deinit {
    close(reader)
    close(writer)
  }

  func write(_ text: String) {
    _ = text.withCString { Glibc.write(writer, $0, strlen($0)) }
  }

  func read() -> String {
    var buffer = [UInt8](repeating: 0, count: 64)
    let count = Glibc.read(reader, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }
}
