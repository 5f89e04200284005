/// Where the data of a COPY goes. Bytes are gathered and sent in large pieces; a call returns when there is room for
/// more, so that a slow server slows the writer down.
///
/// Good only inside the closure that was given it.
public final class PostgresCopyWriter {
  private let connection: PostgresConnection
  private let request: ConnectionRequest
  private var bytes: [UInt8] = []

  /// Data is sent in pieces of at least so many bytes.
  static let pieceSize = 128 * 1024

  init(_ connection: PostgresConnection, _ request: ConnectionRequest) {
    self.connection = connection
    self.request = request
  }

  /// Adds data in the format that the COPY names; a call may end anywhere in a row.
  ///
  /// - Throws: ``PostgresError`` when the connection is lost or the time is over, `CancellationError`. An error in the
  ///   data is told by the server at the end.
  public nonisolated(nonsending) func write(_ more: some Sequence<UInt8> & Sendable) async throws {
    bytes.append(contentsOf: more)
    if bytes.count >= Self.pieceSize { try await flush() }
  }

  /// Adds a text.
  public nonisolated(nonsending) func write(_ text: String) async throws {
    bytes.append(contentsOf: text.utf8)
    if bytes.count >= Self.pieceSize { try await flush() }
  }

  nonisolated(nonsending) func flush() async throws {
    guard !bytes.isEmpty else { return }
    var piece: [UInt8] = []
    swap(&piece, &bytes)
    try await connection.write(piece, to: request)
    piece.removeAll(keepingCapacity: true)
    swap(&piece, &bytes)
  }
}

/// Where the rows of a COPY go. Good only inside the closure that was given it.
public final class PostgresRowWriter {
  private let connection: PostgresConnection
  private let request: ConnectionRequest
  @usableFromInline
  var encoder: CopyRowEncoder

  init(_ connection: PostgresConnection, _ request: ConnectionRequest, _ encoder: CopyRowEncoder) {
    self.connection = connection
    self.request = request
    self.encoder = encoder
  }

  /// Adds a row: a value for each column, in the order in which the columns were named.
  ///
  /// Integers may be of another width than the column if the value fits, and floating-point numbers too; nothing else is
  /// converted.
  ///
  /// - Throws: ``PostgresError`` when a value does not fit its column; the row is left out then. Also when the connection
  ///   is lost or the time is over. An error that only the server can see is told at the end.
  @inlinable
  public nonisolated(nonsending) func write<each Value: PostgresEncodable>(_ values: repeat each Value) async throws {
    // Inlined, so that the caller's values are of known types: an async function for any number of any types would
    // allocate and release them in its task for each row.
    try encoder.append(repeat each values)
    if encoder.isFull { try await flush() }
  }

  @usableFromInline
  nonisolated(nonsending) func flush() async throws { try await connection.write(encoder.takeBytes(), to: request) }

  nonisolated(nonsending) func finish() async throws {
    encoder.finish()
    try await flush()
  }
}
