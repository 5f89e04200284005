internal import Synchronization

/// What the database says of its own types: those registered with ``ConnectOptions/types``, and every domain.
final class TypeCatalogue: Sendable {
  struct Entry: Sendable {
    /// As registered.
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

  init(
    _ entries: [Entry], domains: [UInt32: UInt32], bounds: [UInt32: UInt32] = [:], shapes: [UInt32: TypeShape] = [:]
  ) {
    self.shapes = shapes
    self.bounds = bounds
    self.entries = Dictionary(entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    names = Dictionary(
      entries.flatMap { [($0.oid, $0.name), ($0.arrayOID, $0.name + "[]")] }, uniquingKeysWith: { first, _ in first })
    self.domains = domains
  }

  subscript(name: String) -> Entry? { entries[name] }

  /// The number of a type that is known by its name.
  func oid(of type: PostgresType) -> UInt32? {
    entries[type.baseName].map { type.isArray ? $0.arrayOID : $0.oid }
  }

  /// The type that holds the value: for a domain the one it is made of.
  func base(of oid: UInt32) -> UInt32 { domains[oid] ?? oid }

  /// The type of a range's bounds; nil for types that are no ranges, and for PostgreSQL's own.
  func bound(of oid: UInt32) -> UInt32? { bounds[oid] }

  func name(of oid: UInt32) -> String? { names[oid] }

  /// Asks the database. Names it does not know are left out.
  static func load(_ types: [String], on connection: PostgresConnection) async throws -> TypeCatalogue {
    let registered = try await connection.all(
      """
      SELECT wanted.name, type.oid, type.typarray,
        ARRAY(SELECT attname::text FROM pg_catalog.pg_attribute
          WHERE attrelid = type.typrelid AND attnum > 0 AND NOT attisdropped ORDER BY attnum),
        ARRAY(SELECT atttypid FROM pg_catalog.pg_attribute
          WHERE attrelid = type.typrelid AND attnum > 0 AND NOT attisdropped ORDER BY attnum)
      FROM unnest(\(types)::text[]) AS wanted (name)
      JOIN pg_catalog.pg_type AS type ON type.oid = pg_catalog.to_regtype(wanted.name)
      """, as: (String, UInt32, UInt32, [String], [UInt32]).self, name: "LoadTypes")
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
      """, as: (UInt32, UInt32).self, name: "LoadDomains")
    // The column of multiranges came with PostgreSQL 14, hence the detour over JSON.
    let bounds = try await connection.all(
      """
      SELECT type, rngsubtype FROM pg_catalog.pg_range AS range
      CROSS JOIN unnest(ARRAY[rngtypid, (to_jsonb(range) ->> 'rngmultitypid')::oid]) AS type
      WHERE type >= 16384
      """, as: (UInt32, UInt32).self, name: "LoadRanges")
    return TypeCatalogue(
      registered.map { name, oid, arrayOID, fields, types in
        Entry(name: name, oid: oid, arrayOID: arrayOID, fields: Array(zip(fields, types)))
      },
      domains: Dictionary(domains, uniquingKeysWith: { first, _ in first }),
      bounds: Dictionary(bounds, uniquingKeysWith: { first, _ in first }),
      shapes: connection.options.statementCacheMode == .simple ? try await loadShapes(on: connection) : [:])
  }

  private static func loadShapes(on connection: PostgresConnection) async throws -> [UInt32: TypeShape] {
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
      """, as: (UInt32, String?, [UInt32]).self, name: "LoadTypeShapes")
    return Dictionary(
      types.compactMap { oid, kind, parts in TypeShape(kind: kind, parts: parts).map { (oid, $0) } },
      uniquingKeysWith: { first, _ in first })
  }
}

/// The catalogue that a pool's connections share: read by the first of a generation.
final class SharedTypeCatalogue: Sendable {
  private struct State {
    var generation = 0
    var catalogue: TypeCatalogue?
  }
  private let state = Mutex(State())

  /// The next connection reads the catalogue again: the server may be another.
  func forget() {
    state.withLock { state in
      state.generation += 1
      state.catalogue = nil
    }
  }

  func value(_ types: [String], on connection: PostgresConnection) async throws -> TypeCatalogue {
    let (known, generation) = state.withLock { ($0.catalogue, $0.generation) }
    if let known { return known }
    let new = try await TypeCatalogue.load(types, on: connection)
    state.withLock { state in
      if state.generation == generation { state.catalogue = new }
    }
    return new
  }
}
