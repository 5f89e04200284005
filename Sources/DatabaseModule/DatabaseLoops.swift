internal import EventLoop

/// The loops that the pools' connections are spread over: the host's, and as many more as are configured.
struct DatabaseLoops: Sendable {
  let host: EventLoop
  private let more: [EventLoop]

  var all: [EventLoop] { [host] + more }

  static func start(_ count: Int, beside host: EventLoop) async throws -> DatabaseLoops {
    var more: [EventLoop] = []
    do {
      for number in 1..<count {
        // It polls, and tells of stalls, as the host's does.
        var configuration = host.configuration
        configuration.name = "keel-db-\(number)"
        more.append(try EventLoop(configuration))
      }
    } catch {
      for loop in more { await loop.stop() }
      throw error
    }
    return DatabaseLoops(host: host, more: more)
  }

  /// Stops all but the host's.
  func stop() async {
    for loop in more { await loop.stop() }
  }
}
