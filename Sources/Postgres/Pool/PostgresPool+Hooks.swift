extension PostgresPool {
  /// Code of the app's own at the turning points of a connection's life.
  ///
  /// ```swift
  /// configuration.hooks.beforeConnect = { options in options["password"] = try await vault.token() }
  /// configuration.hooks.afterConnect = { connection in try await connection.execute("SET jit = off") }
  /// ```
  public struct Hooks: Sendable {
    /// Before each connect; what it changes holds for this connection alone. Here a password that expires is fetched
    /// anew. When it throws, that is a failure to connect.
    public var beforeConnect: (@Sendable (inout ConnectOptions) async throws -> Void)?
    /// After each connect, before the connection is lent for the first time: for settings of the session. When it
    /// throws, the connection is closed, and that is a failure to connect.
    public var afterConnect: (@Sendable (PostgresConnection) async throws -> Void)?
    /// Each time before a connection is lent, in the task that asks for it. False has the connection closed and
    /// another one taken. Single statements then share no connection, since the hook is about one user of it.
    public var beforeAcquire: (@Sendable (PostgresConnection) async -> Bool)?
    /// Each time after a connection came back in good order; nobody waits for it but the next user of the connection.
    /// False has it closed. Single statements then share no connection.
    public var afterRelease: (@Sendable (PostgresConnection) async -> Bool)?
    /// Before the pool closes a connection that still works.
    public var beforeClose: (@Sendable (PostgresConnection) async -> Void)?

    /// No hooks.
    public init() {}
  }
}
