internal import MonotonicTime
internal import Synchronization

/// What the database says of its own types: those that were asked for by name, and every domain.
final class TypeCatalogue: Sendable {
  struct Entry: Sendable {
    /// As it was asked for.
    let name: String
    let oid: UInt32
    let arrayOID: UInt32
    /// Names and types of a composite's fields, in order; empty for other types.
    let fields: [(name: String, type: UInt32)]
  }

  private let entries: [String: Entry]
  private let names: [UInt32: String]
  /// The type that a domain is made of, by the domain's number.
  private let domains: [UInt32: UInt32]
  /// The type of the bounds, by the number of a range or multirange of the database's own.
  private let bounds: [UInt32: UInt32]
  /// How the database's own types are built; asked for only where values go as text.
  let shapes: [UInt32: TypeShape]
  /// Types of columns that were asked for with all they are made of.
  private let columns: Set<UInt32>

  init(
    _ entries: [Entry], domains: [UInt32: UInt32], bounds: [UInt32: UInt32] = [:], shapes: [UInt32: TypeShape] = [:],
    columns: Set<UInt32> = []
  ) {
    self.shapes = shapes
    self.columns = columns
    self.bounds = bounds
    self.entries = Dictionary(entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    names = Dictionary(
      entries.flatMap { [($0.oid, $0.name), ($0.arrayOID, $0.name + "[]")] },
      // One type may be known by several names.
      uniquingKeysWith: { $0.count <= $1.count ? $0 : $1 })
    self.domains = domains
  }

  /// Both; where they differ, what the other says.
  func merged(with newer: TypeCatalogue) -> TypeCatalogue {
    TypeCatalogue(
      Array(newer.entries.values) + entries.values, domains: domains.merging(newer.domains) { $1 },
      bounds: bounds.merging(newer.bounds) { $1 }, shapes: shapes.merging(newer.shapes) { $1 },
      columns: columns.union(newer.columns))
  }

  subscript(name: String) -> Entry? { entries[name] }

  /// The number of a type that is known by its name.
  func oid(of type: PostgresType) -> UInt32? {
    entries[type.baseName].map { type.isArray ? $0.arrayOID : $0.oid }
  }

  func has(_ type: PostgresType) -> Bool { oid(of: type) ?? 0 != 0 }

  /// The type that holds the value: for a domain the one it is made of.
  func base(of oid: UInt32) -> UInt32 { domains[oid] ?? oid }

  /// The type of a range's bounds; nil for types that are no ranges, and for PostgreSQL's own.
  func bound(of oid: UInt32) -> UInt32? { bounds[oid] }

  func name(of oid: UInt32) -> String? { names[oid] }

  /// Whether a column of the type can be written: it is PostgreSQL's own, or was asked for with all it is made of.
  func knowsColumn(of oid: UInt32) -> Bool { columns.contains(oid) || PostgresType.isKnown(oid) }

  /// Asks the database. Names it does not know are left out.
  static func load(
    _ types: [String], columns: Set<UInt32> = [], on connection: PostgresConnection, _ options: QueryOptions
  ) async throws -> TypeCatalogue {
    let start = MonotonicInstant.now
    let named = try await connection.all(
      """
      SELECT wanted.name, type.oid, type.typarray,
        ARRAY(SELECT attname::text FROM pg_catalog.pg_attribute
          WHERE attrelid = type.typrelid AND attnum > 0 AND NOT attisdropped ORDER BY attnum),
        ARRAY(SELECT atttypid FROM pg_catalog.pg_attribute
          WHERE attrelid = type.typrelid AND attnum > 0 AND NOT attisdropped ORDER BY attnum)
      FROM unnest(\(types)::text[]) AS wanted (name)
      JOIN pg_catalog.pg_type AS type ON type.oid = pg_catalog.to_regtype(wanted.name)
      """, as: (String, UInt32, UInt32, [String], [UInt32]).self, name: "LoadTypes",
      timeout: options.after(.now - start).timeout)
    // A domain may be made of a domain.
    let domains = try await connection.all(
      """
      WITH RECURSIVE domain (oid, base) AS (
        SELECT oid, typbasetype FROM pg_catalog.pg_type WHERE typtype = 'd'
        UNION ALL
        SELECT domain.oid, type.typbasetype FROM domain
        JOIN pg_catalog.pg_type AS type ON type.oid = domain.base WHERE type.typtype = 'd')
      SELECT domain.oid, domain.base FROM domain
      JOIN pg_catalog.pg_type AS type ON type.oid = domain.base WHERE type.typtype <> 'd'
      """, as: (UInt32, UInt32).self, name: "LoadDomains", timeout: options.after(.now - start).timeout)
    // The column of multiranges came with PostgreSQL 14, hence the detour over JSON.
    let bounds = try await connection.all(
      """
      SELECT type, rngsubtype FROM pg_catalog.pg_range AS range
      CROSS JOIN unnest(ARRAY[rngtypid, (to_jsonb(range) ->> 'rngmultitypid')::oid]) AS type
      WHERE type >= 16384
      """, as: (UInt32, UInt32).self, name: "LoadRanges", timeout: options.after(.now - start).timeout)
    return TypeCatalogue(
      named.map { name, oid, arrayOID, fields, types in
        Entry(name: name, oid: oid, arrayOID: arrayOID, fields: Array(zip(fields, types)))
      },
      domains: Dictionary(domains, uniquingKeysWith: { first, _ in first }),
      bounds: Dictionary(bounds, uniquingKeysWith: { first, _ in first }),
      shapes: connection.options.statementCacheMode == .simple
        ? try await loadShapes(on: connection, options.after(.now - start)) : [:],
      columns: columns)
  }

  /// The names of the types that columns are made of, down to the last field, both as short as the search path allows
  /// and in full.
  static func names(
    ofColumns types: [UInt32], on connection: PostgresConnection, _ options: QueryOptions
  ) async throws -> [String] {
    try await connection.all(
      """
      WITH RECURSIVE part (oid) AS (
        SELECT unnest(\(types.map { "\($0)" })::text[]::oid[])
        UNION
        SELECT inner_part FROM part JOIN pg_catalog.pg_type AS type USING (oid)
        CROSS JOIN LATERAL unnest(ARRAY[typelem, typbasetype] || ARRAY(SELECT atttypid FROM pg_catalog.pg_attribute
          WHERE attrelid = typrelid AND attnum > 0 AND NOT attisdropped)) AS inner_part
        WHERE inner_part <> 0)
      SELECT DISTINCT name FROM part JOIN pg_catalog.pg_type AS type USING (oid)
      JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = typnamespace
      CROSS JOIN LATERAL (VALUES (pg_catalog.format_type(type.oid, NULL)),
        (pg_catalog.quote_ident(nspname) || '.' || pg_catalog.quote_ident(typname))) AS spelling (name)
      WHERE typcategory <> 'A'
      """, as: String.self, name: "LoadColumnTypes", timeout: options.timeout)
  }

  private static func loadShapes(
    on connection: PostgresConnection, _ options: QueryOptions
  ) async throws -> [UInt32: TypeShape] {
    // The detour over JSON as above.
    let types = try await connection.all(
      """
      SELECT type.oid,
        CASE WHEN type.typcategory = 'A' AND type.typelem <> 0 THEN 'array'
          WHEN type.typtype = 'e' OR type.typcategory = 'S' THEN 'text'
          WHEN type.typname = 'hstore' THEN 'hstore'
          WHEN type.typtype = 'c' THEN 'composite'
          WHEN type.typtype = 'r' THEN 'range'
          WHEN type.typtype = 'm' THEN 'multirange' END,
        CASE type.typtype
          WHEN 'c' THEN ARRAY(SELECT atttypid FROM pg_catalog.pg_attribute
            WHERE attrelid = type.typrelid AND attnum > 0 AND NOT attisdropped ORDER BY attnum)
          WHEN 'r' THEN ARRAY(SELECT rngsubtype FROM pg_catalog.pg_range WHERE rngtypid = type.oid)
          WHEN 'm' THEN ARRAY(SELECT rngtypid FROM pg_catalog.pg_range AS range
            WHERE (to_jsonb(range) ->> 'rngmultitypid')::oid = type.oid)
          ELSE ARRAY[type.typelem] END
      FROM pg_catalog.pg_type AS type WHERE type.oid >= 16384 AND type.typtype <> 'd'
      """, as: (UInt32, String?, [UInt32]).self, name: "LoadTypeShapes", timeout: options.timeout)
    return Dictionary(
      types.compactMap { oid, kind, parts in TypeShape(kind: kind, parts: parts).map { (oid, $0) } },
      uniquingKeysWith: { first, _ in first })
  }
}

/// The catalogue that a pool's connections share: what one of them has asked for, all of its generation know.
final class SharedTypeCatalogue: Sendable {
  private struct State {
    var generation = 0
    var catalogue: TypeCatalogue?
  }
  private let state = Mutex(State())

  /// What connections are of that are made now.
  var generation: Int { state.withLock { $0.generation } }

  /// Later connections read the catalogue again: the server may be another.
  func forget() {
    state.withLock { state in
      state.generation += 1
      state.catalogue = nil
    }
  }

  /// What a connection of that generation may rely on.
  func known(to generation: Int) -> TypeCatalogue? {
    state.withLock { $0.generation == generation ? $0.catalogue : nil }
  }

  /// Adds what a connection of that generation has asked for.
  func add(_ newer: TypeCatalogue, by generation: Int) {
    state.withLock { state in
      guard state.generation == generation else { return }
      state.catalogue = state.catalogue?.merged(with: newer) ?? newer
    }
  }
}
