import EventLoop
import Postgres
import Testing

/// A way that ends TLS before the server and sends on what it has gathered, as poolers and load balancers with large buffers do, and
/// PostgreSQL itself from 17 on.
// Not behind a pooler: TLS to a server of its own.
@Suite struct LargeRecordsTests {
  /// Gathers what comes within a moment, so that records of TLS are as large as they may be: 16 KB.
  private static let proxy = """
    import select, socket, ssl, sys, threading
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    def upwards(client, server):
      while data := client.recv(65536): server.sendall(data)
      server.shutdown(socket.SHUT_WR)
    def serve(client):
      client.recv(8)
      client.sendall(b"S")
      client = context.wrap_socket(client, server_side=True)
      server = socket.socket(socket.AF_UNIX)
      server.connect(sys.argv[1])
      threading.Thread(target=upwards, args=(client, server), daemon=True).start()
      while data := server.recv(1 << 20):
        while select.select([server], [], [], 0.02)[0] and (more := server.recv(1 << 20)): data += more
        client.sendall(data)
    while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
    """

  @Test func `answers arrive whole, though a record of TLS holds more of them than there is room for`() async throws {
    let loop = try EventLoop()
    try await withTemporaryFolder { folder in
      let log = "\(folder)/tools.log"
      try await Cluster.initialise("\(folder)/data", log: log)
      let (key, certificate) = ("\(folder)/proxy.key", "\(folder)/proxy.crt")
      try await Subprocess.run(
        [
          "/usr/bin/openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
          "-keyout", key, "-out", certificate,
        ], log: log)
      let server = try await Cluster.start("\(folder)/data", sockets: folder)
      try write(Self.proxy, to: "\(folder)/proxy.py", mode: 0o644)
      let output = "\(folder)/proxy.log"
      let proxy = try Subprocess(
        ["/usr/bin/python3", "\(folder)/proxy.py", "\(folder)/.s.PGSQL.\(server.port)", certificate, key], log: output)
      try await until { Subprocess.text(of: output).hasSuffix("\n") }
      let port = Subprocess.text(of: output).prefix { $0.isNumber }
      let connection = try await PostgresConnection.connect(
        ConnectOptions("host=127.0.0.1 port=\(port) dbname=postgres user=keel sslmode=require"), loop: loop)
      for count in 1...40 {
        let query: SQL = "SELECT repeat('x', 7000) FROM generate_series(1, \(count))"
        // Long enough for any machine, and an end for an answer that never comes.
        let rows = try await connection.query(query, timeout: .seconds(60))
        #expect(rows.count == count)
        var streamed = 0
        for try await _ in connection.stream(query, as: String.self, timeout: .seconds(60)) { streamed += 1 }
        #expect(streamed == count)
        var copied = 0
        let copy = SQL(unchecked: "COPY (SELECT repeat('x', 7000) FROM generate_series(1, \(count))) TO STDOUT")
        for try await piece in connection.copyOut(copy, timeout: .seconds(60)) { copied += piece.count }
        #expect(copied == count * 7001)
      }
      // The rest that nobody wants, in a transaction, which a cancel request would fail.
      for count in 1...40 {
        try await connection.transaction(timeout: .seconds(60)) { tx in
          for try await _ in tx.stream("SELECT repeat('x', 7000) FROM generate_series(1, \(count))", as: String.self) {
            break
          }
          try await tx.execute("SELECT 1")
        }
      }
      await connection.close()
      try await proxy.end()
      try await server.stop()
    }
    await loop.stop()
  }
}
