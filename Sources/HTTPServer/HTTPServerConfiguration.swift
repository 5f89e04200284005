internal import CMicrohttpdShim

/// What can be chosen for a server.
public struct HTTPServerConfiguration: Sendable {
  /// A certificate and its key, both as PEM text.
  public struct TLS: Sendable {
    /// The server's certificate, then those between it and the root.
    public var certificateChain: String
    /// The private key of the first certificate.
    public var privateKey: String
    /// Priorities as GnuTLS reads them. Default `NORMAL:-VERS-TLS1.0:-VERS-TLS1.1`.
    public var priorities: String

    /// TLS with a certificate.
    public init(
      certificateChain: String, privateKey: String, priorities: String = "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1"
    ) {
      self.certificateChain = certificateChain
      self.privateKey = privateKey
      self.priorities = priorities
    }

    /// Whether a server takes them: PEM text, of a certificate and a key that belong together. Better known before a start
    /// than in it.
    public func isUsable() -> Bool {
      keel_http_takes_tls(certificateChain, privateKey, priorities) != 0
    }
  }

  /// Where to listen. Default `127.0.0.1:8080`.
  public var address: HTTPServerAddress
  /// How long the body of a request may be, in bytes; above it the answer is 413. Default 1 MiB. A route may have its own.
  public var bodyLimit: Int
  /// How long request line and headers may be together, in bytes; above it the answer is 431 or 414. Default 16 KiB.
  /// The headers of the response have 8 KiB, and what those of the request left; above it the answer is 500.
  ///
  /// Cookies take more of both: their length a second time, and 64 bytes each.
  public var headerLimit: Int
  /// How long a connection may be silent, between requests or inside one, before it is closed; also how long a client
  /// may take no byte of a response. Default 30 s; counted in whole seconds, zero switches it off.
  public var idleTimeout: Duration
  /// How long a request may take to arrive, from the end of the one before; this is what stops a client that sends a
  /// byte now and then. Must be longer than ``idleTimeout``. Default 60 s, zero switches it off.
  public var readTimeout: Duration
  /// How many connections may be open; more wait in the system's queue until one closes. Default 10 000. One that was
  /// upgraded without TLS no longer counts, neither here nor for its address.
  public var maxConnections: Int
  /// How many of them may come from one IP address; more are closed at once. Default 0: no limit.
  public var maxConnectionsPerAddress: Int
  /// How long the system's queue of connections that are not yet accepted may be. Default 1024.
  public var backlog: Int
  /// Serve HTTPS. Default nil: plain HTTP.
  public var tls: TLS?

  /// Defaults for everything but the address.
  public init(address: HTTPServerAddress = .ip(host: "127.0.0.1", port: 8080)) {
    self.address = address
    bodyLimit = 1 << 20
    headerLimit = 16 << 10
    idleTimeout = .seconds(30)
    readTimeout = .seconds(60)
    maxConnections = 10_000
    maxConnectionsPerAddress = 0
    backlog = 1024
    tls = nil
  }

  /// What the library has for the headers of a request, and then for those of its response.
  var connectionMemory: Int { headerLimit + 8 << 10 }

  func validate() throws(HTTPServerError) {
    let faults = [
      bodyLimit < 0 ? "bodyLimit must not be negative" : nil,
      headerLimit < 1024 ? "headerLimit must be at least 1024 bytes" : nil,
      headerLimit > 1 << 30 ? "headerLimit must be at most 1 GiB, for each connection has memory for it" : nil,
      idleTimeout < .zero ? "idleTimeout must not be negative" : nil,
      readTimeout != .zero && readTimeout <= idleTimeout ? "readTimeout must be longer than idleTimeout" : nil,
      maxConnections < 1 ? "maxConnections must be at least 1" : nil,
      maxConnectionsPerAddress < 0 ? "maxConnectionsPerAddress must not be negative" : nil,
      backlog < 1 ? "backlog must be at least 1" : nil,
    ].compactMap { $0 }
    guard faults.isEmpty else {
      throw HTTPServerError(.invalidConfiguration, "HTTP server: " + faults.joined(separator: "; "))
    }
  }
}
