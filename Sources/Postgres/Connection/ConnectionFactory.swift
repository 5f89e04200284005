internal import EventLoop
internal import ResourcePool
internal import StructuredLogging

/// Makes connections for a pool, and calls its hooks.
struct ConnectionFactory: ResourceFactory {
  let options: ConnectOptions
  let hooks: PostgresPool.Hooks
  let loops: LoopShares
  let logger: Logger
  let tracer: (any QueryTracer)?
  let catalogue: SharedTypeCatalogue

  func make(onEnd: @escaping @Sendable () -> Void) async throws -> PostgresConnection {
    do {
      return try await tracer.connecting { try await connect(onEnd: onEnd) }
    } catch {
      // Once per attempt; a tracer that sees outages as one says more with less.
      logger.debug("cannot connect", ["error": "\(error)"])
      throw error
    }
  }

  private func connect(onEnd: @escaping @Sendable () -> Void) async throws -> PostgresConnection {
    var options = options
    try await hooks.beforeConnect?(&options)
    let loop = loops.take()
    do {
      let connection = try await PostgresConnection.connect(
        options, loop: loop, logger: logger, tracer: tracer, onEnd: onEnd, catalogue: catalogue)
      do {
        try await hooks.afterConnect?(connection)
        return connection
      } catch {
        await connection.close()
        throw error
      }
    } catch {
      loops.giveBack(loop)
      throw error
    }
  }

  func check(_ connection: PostgresConnection) async -> Bool {
    (try? await connection.ping(.milliseconds(500))) != nil
  }

  func close(_ connection: PostgresConnection) async {
    if connection.isOpen { await hooks.beforeClose?(connection) }
    await connection.close()
    loops.giveBack(connection.loop)
  }

  var hasLeaseHooks: Bool { hooks.beforeAcquire != nil || hooks.afterRelease != nil }

  func prepare(_ connection: PostgresConnection) async -> Bool {
    guard let beforeAcquire = hooks.beforeAcquire else { return true }
    return await beforeAcquire(connection) && connection.isClean
  }

  func recycle(_ connection: PostgresConnection) async -> Bool {
    guard let afterRelease = hooks.afterRelease else { return true }
    return await afterRelease(connection) && connection.isClean
  }

  func isPermanent(_ error: any Error) -> Bool { (error as? PostgresError)?.isPermanent ?? false }
}
