internal import Glibc

/// Tells the service manager how the process is doing, if there is one that listens: systemd's protocol, sd_notify(3),
/// spoken without its library.
///
/// A line a message goes as a datagram to the unix socket that `NOTIFY_SOCKET` names, by path or, with `@`, in the
/// abstract namespace. A manager that does not take it is no reason to do anything differently.
struct ServiceNotifier: Sendable {
  /// How often the manager wants to hear that the process is alive; nil when it does not. From `WATCHDOG_USEC`.
  let watchdogInterval: Duration?
  private let address: sockaddr_un
  private let length: socklen_t

  /// Nil without `NOTIFY_SOCKET`, or with one of a kind that is not known.
  init?(environment: [String: String]) {
    guard let name = environment["NOTIFY_SOCKET"], let first = name.utf8.first,
      first == UInt8(ascii: "/") || first == UInt8(ascii: "@")
    else { return nil }
    var address = sockaddr_un()
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard name.utf8.count < room else { return nil }
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { path in
      path.copyBytes(from: name.utf8)
      if first == UInt8(ascii: "@") { path[0] = 0 }
    }
    self.address = address
    // An abstract name is all the bytes that are sent, so no zero may follow.
    length = socklen_t(MemoryLayout<sa_family_t>.size + name.utf8.count + (first == UInt8(ascii: "/") ? 1 : 0))
    watchdogInterval = Self.watchdog(environment)
  }

  private static func watchdog(_ environment: [String: String]) -> Duration? {
    guard let microseconds = environment["WATCHDOG_USEC"].flatMap(Int64.init), microseconds > 0 else { return nil }
    // Set for another process, such as the shell that started this one.
    if let process = environment["WATCHDOG_PID"], Int32(process) != getpid() { return nil }
    return .microseconds(microseconds)
  }

  /// The app has started.
  func ready(_ status: String) { send("READY=1\n\(line(status))") }

  /// A word for `systemctl status`.
  func status(_ status: String) { send(line(status)) }

  /// The app begins to stop.
  func stopping(_ status: String) { send("STOPPING=1\n\(line(status))") }

  /// A status is one line: what follows a line end would be a message of its own.
  private func line(_ status: String) -> String { "STATUS=\(String(status.map { $0.isNewline ? " " : $0 }))" }

  /// The configuration is being read again; ``ready(_:)`` says when that is done.
  func reloading() {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    send("RELOADING=1\nMONOTONIC_USEC=\(now.tv_sec * 1_000_000 + now.tv_nsec / 1000)")
  }

  /// The process is alive.
  func alive() { send("WATCHDOG=1") }

  private func send(_ message: String) {
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | O_CLOEXEC, 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let bytes = Array(message.utf8)
    _ = withUnsafePointer(to: address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), address, length)
      }
    }
  }
}
