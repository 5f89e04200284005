/// Where to connect and as whom: everything libpq understands, as a URI (`postgres://user:password@host/database`) or
/// as pairs (`host=/run/postgresql dbname=app`). What is not said comes from libpq's environment variables
/// (`PGHOST`, `PGPASSWORD` …), the service file and `~/.pgpass`.
public struct ConnectOptions: Sendable, CustomStringConvertible {
  private var parameters: [(keyword: String, value: String)]

  /// How long connecting to one host may take, authentication included, from the moment its name is resolved. Default
  /// 5 seconds, or `connect_timeout` where the string has it.
  public var connectTimeout: Duration = .seconds(5)

  /// How long the server has to act on a cancel request, which is repeated meanwhile, or on the ROLLBACK of a transaction,
  /// before the connection is given up. A COPY that its closure gives up is cancelled when it has not ended after this time.
  /// Default 5 seconds.
  public var cancelTimeout: Duration = .seconds(5)

  /// Of several hosts, each connection tries them in an order of its own, so that a pool spreads over all that fit
  /// `target_session_attrs`. Default false: in the order in which they are named.
  public var balancesHosts = false

  /// Whether statements are kept prepared at the server. Default ``StatementCacheMode/prepare``; behind PgBouncer in
  /// transaction mode ``StatementCacheMode/describe`` is the one to choose.
  public var statementCacheMode = StatementCacheMode.prepare

  /// Types that the database defines itself, by their names as in SQL: `mood`, `shop.address`, `hstore`. Their numbers are
  /// asked for as the first connection of a pool is made, so that no query has to wait for that: a type that is not named
  /// here is looked up when a parameter is first of it. Default none.
  public var types: [String] = []

  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/invalidConnectionString``; it never quotes the string.
  public init(_ connectionString: String) throws(PostgresError) {
    guard !connectionString.contains("\0") else {
      throw PostgresError(malformedConnectionString: "it contains a NUL character")
    }
    parameters = try parseConnectionString(connectionString)
    for port in self["port"]?.split(separator: ",") ?? [] where !(1...65535).contains(Int(port) ?? 0) {
      throw PostgresError(malformedConnectionString: "the port is not a number from 1 to 65535")
    }
    // To libpq the first @ of a URL ends the password; what it takes for the host is the rest of it then.
    for host in list("host") where !host.hasPrefix("/") && host.dropFirst().contains("@") {
      throw PostgresError(malformedConnectionString: "there is an @ in the host's name")
    }
    if let seconds = self["connect_timeout"].flatMap({ Int($0) }), seconds > 0 { connectTimeout = .seconds(seconds) }
    if self["application_name"] == nil { applicationName = "keel" }
  }

  /// A libpq parameter by its keyword, such as `dbname` or `target_session_attrs`.
  public subscript(keyword: String) -> String? {
    get { parameters.last { $0.keyword == keyword }?.value }
    set {
      parameters.removeAll { $0.keyword == keyword }
      if let newValue { parameters.append((keyword, newValue)) }
    }
  }

  /// The database's name.
  public var database: String? {
    get { self["dbname"] }
    set { self["dbname"] = newValue }
  }

  /// What `pg_stat_activity` shows for the connection. Default `keel`.
  public var applicationName: String? {
    get { self["application_name"] }
    set { self["application_name"] = newValue }
  }

  /// One set of options for each host, in the order in which they are tried: libpq, left alone with several, would
  /// wait for the first that is silent until the time of all is over.
  var candidates: [ConnectOptions] {
    let hosts = list("host"), addresses = list("hostaddr"), ports = list("port")
    let count = max(hosts.count, addresses.count)
    guard count > 1 else { return [self] }
    let order = balancesHosts ? (0..<count).shuffled() : Array(0..<count)
    let each = order.map { index in
      var one = self
      one["host"] = hosts.indices.contains(index) ? hosts[index] : nil
      one["hostaddr"] = addresses.indices.contains(index) ? addresses[index] : nil
      one["port"] = ports.count == 1 ? ports[0] : ports.indices.contains(index) ? ports[index] : nil
      return one
    }
    guard self["target_session_attrs"] == "prefer-standby" else { return each }
    return ["standby", "any"].flatMap { wanted in
      each.map { one in
        var one = one
        one["target_session_attrs"] = wanted
        return one
      }
    }
  }

  private func list(_ keyword: String) -> [String] {
    self[keyword]?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) ?? []
  }

  /// For libpq: what was said, and what the driver relies on.
  var libpqParameters: [(keyword: String, value: String)] {
    parameters.filter { $0.keyword != "connect_timeout" } + [("client_encoding", "UTF8")]
  }

  /// Host, port, database and user; never the password.
  public var description: String {
    let shown = ["host", "hostaddr", "port", "dbname", "user", "service"].compactMap { keyword in
      self[keyword].flatMap { $0.isEmpty ? nil : "\(keyword)=\($0)" }
    }
    return shown.isEmpty ? "the default server" : shown.joined(separator: " ")
  }
}
