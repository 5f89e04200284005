/// A type of PostgreSQL, by the number (OID) that the catalogue `pg_type` gives it.
public struct PostgresType: Sendable, Hashable, CustomStringConvertible {
  /// The name as in SQL.
  public let name: String
  /// The number of the type.
  public let oid: UInt32
  /// The number of the type of its arrays.
  public let arrayOID: UInt32
  /// The server takes the parameter's type from where it stands, so that a Swift `String` fits `varchar`, `inet` or
  /// an enum. Such a parameter is sent as text.
  public let isInferred: Bool

  /// A type with its numbers from `pg_type`.
  public init(name: String, oid: UInt32, arrayOID: UInt32, isInferred: Bool = false) {
    self.name = name
    self.oid = oid
    self.arrayOID = arrayOID
    self.isInferred = isInferred
  }

  /// The name.
  public var description: String { name }

  /// What the parameter is declared as; 0 lets the server infer.
  var parameterOID: UInt32 { isInferred ? 0 : oid }

  // Numbers: src/include/catalog/pg_type.dat of PostgreSQL.
  /// `boolean`.
  public static let bool = PostgresType(name: "boolean", oid: 16, arrayOID: 1000)
  /// `bytea`.
  public static let bytea = PostgresType(name: "bytea", oid: 17, arrayOID: 1001)
  /// `bigint`.
  public static let int8 = PostgresType(name: "bigint", oid: 20, arrayOID: 1016)
  /// `smallint`.
  public static let int2 = PostgresType(name: "smallint", oid: 21, arrayOID: 1005)
  /// `integer`.
  public static let int4 = PostgresType(name: "integer", oid: 23, arrayOID: 1007)
  /// `text`, inferred as a parameter.
  public static let text = PostgresType(name: "text", oid: 25, arrayOID: 1009, isInferred: true)
  /// `json`.
  public static let json = PostgresType(name: "json", oid: 114, arrayOID: 199)
  /// `real`.
  public static let float4 = PostgresType(name: "real", oid: 700, arrayOID: 1021)
  /// `double precision`.
  public static let float8 = PostgresType(name: "double precision", oid: 701, arrayOID: 1022)
  /// `date`.
  public static let date = PostgresType(name: "date", oid: 1082, arrayOID: 1182)
  /// `timestamp without time zone`.
  public static let timestamp = PostgresType(name: "timestamp", oid: 1114, arrayOID: 1115)
  /// `timestamp with time zone`.
  public static let timestamptz = PostgresType(name: "timestamptz", oid: 1184, arrayOID: 1185)
  /// `numeric`.
  public static let numeric = PostgresType(name: "numeric", oid: 1700, arrayOID: 1231)
  /// `uuid`.
  public static let uuid = PostgresType(name: "uuid", oid: 2950, arrayOID: 2951)
  /// `jsonb`.
  public static let jsonb = PostgresType(name: "jsonb", oid: 3802, arrayOID: 3807)

  private static let names: [UInt32: String] = {
    let known: [PostgresType] = [
      .bool, .bytea, .int8, .int2, .int4, .text, .json, .float4, .float8, .date, .timestamp, .timestamptz, .numeric,
      .uuid, .jsonb,
    ]
    var names = [19: "name", 26: "oid", 1042: "char(n)", 1043: "varchar", 1186: "interval", 869: "inet", 2278: "void"]
    for type in known {
      names[Int(type.oid)] = type.name
      names[Int(type.arrayOID)] = "\(type.name)[]"
    }
    return Dictionary(uniqueKeysWithValues: names.map { (UInt32($0), $1) })
  }()

  /// A type's name by its number, for messages.
  static func name(ofOID oid: UInt32) -> String { names[oid] ?? "type \(oid)" }
}
