import AppConfiguration
import Container
import EventLoop
import Glibc
import StructuredLogging
import Synchronization
import Testing

@testable import Host

@Suite struct ServiceNotifierTests {
  @Test(arguments: [false, true])
  func `every message arrives at the socket that the service manager names, by path or abstract`(
    isAbstract: Bool
  ) throws {
    let manager = try ServiceManager(isAbstract: isAbstract)
    let notifier = try #require(ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.name]))
    notifier.ready("serving")
    notifier.status("busy")
    notifier.alive()
    notifier.reloading()
    notifier.stopping("signal SIGTERM")
    #expect(manager.message() == "READY=1\nSTATUS=serving")
    #expect(manager.message() == "STATUS=busy")
    #expect(manager.message() == "WATCHDOG=1")
    #expect(manager.message()?.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") == true)
    #expect(manager.message() == "STOPPING=1\nSTATUS=signal SIGTERM")
  }

  @Test func `a status of several lines is one line, and says nothing else to the manager`() throws {
    let manager = try ServiceManager(isAbstract: true)
    let notifier = try #require(ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.name]))
    notifier.stopping("requested: enough\r\nMAINPID=1\nREADY=1")
    #expect(manager.message() == "STOPPING=1\nSTATUS=requested: enough MAINPID=1 READY=1")
  }

  @Test func `a reload before the start is over or during the stop is not told as readiness`() throws {
    let manager = try ServiceManager(isAbstract: true)
    let service = Service(ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.name]))
    let reload = Reload(Configuration(), [], logger: .none) { Configuration() }
    service.reload(reload)
    service.ready()
    service.reload(reload)
    service.stopping("signal SIGTERM")
    service.reload(reload)
    service.stopping("again")
    #expect(manager.message() == "READY=1\nSTATUS=ready")
    #expect(manager.message()?.hasPrefix("RELOADING=1") == true)
    #expect(manager.message() == "READY=1\nSTATUS=ready")
    #expect(manager.message() == "STOPPING=1\nSTATUS=stopping: signal SIGTERM")
    #expect(manager.message() == "STOPPING=1\nSTATUS=stopping: again")
  }

  @Test func `the watchdog hears nothing while the event loop hangs, and hears again once it goes on`() async throws {
    let manager = try ServiceManager(isAbstract: true)
    let service = Service(ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "20000"]))
    var options = App.Options()
    options.buildsOnDemandOnly = true
    let app = App(options) { HostModule(program: "app", version: "1", Configuration(), .none) }
    try await app.start()
    let watching = service.watch(app)
    func hears() async throws {
      let deadline = ContinuousClock.now + .seconds(60)
      while manager.message() != "WATCHDOG=1" {
        try #require(ContinuousClock.now < deadline, "no WATCHDOG=1")
        try await Task.sleep(for: .milliseconds(1))
      }
    }
    try await hears()

    let (hangs, isOver) = (HangFlag(), HangFlag())
    defer { isOver.raise() }
    let loop: EventLoop = try await app.get()
    loop.execute {
      hangs.raise()
      while !isOver.isRaised { usleep(1000) }
    }
    while !hangs.isRaised { try await Task.sleep(for: .milliseconds(1)) }
    // One that was under way may still be told.
    try await Task.sleep(for: .milliseconds(50))
    while manager.message() != nil {}
    for _ in 0..<20 {
      try await Task.sleep(for: .milliseconds(10))
      #expect(manager.message() == nil)
    }
    isOver.raise()
    try await hears()
    watching?.cancel()
    try await app.stop()
  }

  @Test func `without a service manager there is no notifier, and one that is gone does no harm`() {
    #expect(ServiceNotifier(environment: [:]) == nil)
    #expect(ServiceNotifier(environment: ["NOTIFY_SOCKET": ""]) == nil)
    #expect(ServiceNotifier(environment: ["NOTIFY_SOCKET": "vsock:2:9"]) == nil)
    #expect(ServiceNotifier(environment: ["NOTIFY_SOCKET": "/" + String(repeating: "x", count: 200)]) == nil)
    ServiceNotifier(environment: ["NOTIFY_SOCKET": "/nonexistent/keel"])?.alive()
  }

  @Test func `the watchdog's interval is taken when it is meant for this process`() throws {
    func interval(_ environment: [String: String]) throws -> Duration? {
      let all = environment.merging(["NOTIFY_SOCKET": "@keel"]) { $1 }
      return try #require(ServiceNotifier(environment: all)).watchdogInterval
    }
    #expect(try interval([:]) == nil)
    #expect(try interval(["WATCHDOG_USEC": "30000000"]) == .seconds(30))
    #expect(try interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "\(getpid())"]) == .seconds(30))
    #expect(try interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"]) == nil)
    #expect(try interval(["WATCHDOG_USEC": "0"]) == nil)
  }
}

private final class HangFlag: Sendable {
  private let flag = Atomic(false)
  var isRaised: Bool { flag.load(ordering: .relaxed) }
  func raise() { flag.store(true, ordering: .relaxed) }
}

/// The socket of a service manager.
final class ServiceManager {
  let name: String
  private let descriptor: Int32

  init(isAbstract: Bool) throws {
    let path = "/tmp/keel-notify-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    name = isAbstract ? "@" + path : path
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | O_CLOEXEC | O_NONBLOCK, 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = isAbstract ? [0] + Array(path.utf8) : Array(path.utf8)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    let descriptor = descriptor
    let status = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
    }
    try #require(status == 0)
  }

  deinit {
    close(descriptor)
    if !name.hasPrefix("@") { unlink(name) }
  }

  /// The next message; a datagram is there as soon as it is sent.
  func message() -> String? {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
  }
}
