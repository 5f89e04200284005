/// A type of PostgreSQL, by the number (OID) that the catalogue `pg_type` gives it, or by its name where that number
/// differs from database to database.
public struct PostgresType: Sendable, Hashable, CustomStringConvertible {
  /// The name without the brackets of an array.
  let baseName: String
  /// The number of the type; 0 where the catalogue is asked for it by name.
  public let oid: UInt32
  /// The number of the type of its arrays.
  public let arrayOID: UInt32
  /// The server takes the parameter's type from where it stands, so that a Swift `String` fits `varchar`, `inet` or
  /// an enum. Such a parameter is sent as text.
  public let isInferred: Bool
  /// Whether this is the type of arrays of ``baseName``.
  let isArray: Bool

  private init(_ baseName: String, _ oid: UInt32, _ arrayOID: UInt32, isInferred: Bool = false, isArray: Bool = false) {
    self.baseName = baseName
    self.oid = oid
    self.arrayOID = arrayOID
    self.isInferred = isInferred
    self.isArray = isArray
  }

  /// A type with its numbers from `pg_type`.
  public init(name: String, oid: UInt32, arrayOID: UInt32, isInferred: Bool = false) {
    self.init(name, oid, arrayOID, isInferred: isInferred)
  }

  /// A type that the database defines itself: an enum, a composite, a domain, a type of an extension. Its number is
  /// looked up when it is first used.
  ///
  /// - Parameter name: as in SQL: `mood`, `shop.address`, `"Mood"`.
  public init(named name: String) { self.init(name, 0, 0) }

  /// The type of arrays of this one; an array of arrays is of the same type.
  public var array: PostgresType {
    isArray ? self : PostgresType(baseName, arrayOID, arrayOID, isArray: true)
  }

  /// The name as in SQL.
  public var name: String { isArray ? baseName + "[]" : baseName }

  /// The name.
  public var description: String { name }

  /// Whether the catalogue must be asked for its number.
  var isNamed: Bool { oid == 0 && !isInferred }

  /// What the parameter is declared as; 0 lets the server infer.
  var parameterOID: UInt32 { isInferred ? 0 : oid }

  // Numbers: src/include/catalog/pg_type.dat of PostgreSQL.
  /// `boolean`.
  public static let bool = PostgresType("boolean", 16, 1000)
  /// `bytea`.
  public static let bytea = PostgresType("bytea", 17, 1001)
  /// `bigint`.
  public static let int8 = PostgresType("bigint", 20, 1016)
  /// `smallint`.
  public static let int2 = PostgresType("smallint", 21, 1005)
  /// `integer`.
  public static let int4 = PostgresType("integer", 23, 1007)
  /// `text`, inferred as a parameter.
  public static let text = PostgresType("text", 25, 1009, isInferred: true)
  /// `json`.
  public static let json = PostgresType("json", 114, 199)
  /// `cidr`.
  public static let cidr = PostgresType("cidr", 650, 651)
  /// `real`.
  public static let float4 = PostgresType("real", 700, 1021)
  /// `double precision`.
  public static let float8 = PostgresType("double precision", 701, 1022)
  /// `macaddr`.
  public static let macaddr = PostgresType("macaddr", 829, 1040)
  /// `inet`.
  public static let inet = PostgresType("inet", 869, 1041)
  /// `date`.
  public static let date = PostgresType("date", 1082, 1182)
  /// `time without time zone`.
  public static let time = PostgresType("time", 1083, 1183)
  /// `timestamp without time zone`.
  public static let timestamp = PostgresType("timestamp", 1114, 1115)
  /// `timestamp with time zone`.
  public static let timestamptz = PostgresType("timestamptz", 1184, 1185)
  /// `interval`.
  public static let interval = PostgresType("interval", 1186, 1187)
  /// `time with time zone`.
  public static let timetz = PostgresType("timetz", 1266, 1270)
  /// `numeric`.
  public static let numeric = PostgresType("numeric", 1700, 1231)
  /// `uuid`.
  public static let uuid = PostgresType("uuid", 2950, 2951)
  /// `jsonb`.
  public static let jsonb = PostgresType("jsonb", 3802, 3807)
  /// `int4range`.
  public static let int4range = PostgresType("int4range", 3904, 3905)
  /// `numrange`.
  public static let numrange = PostgresType("numrange", 3906, 3907)
  /// `tsrange`.
  public static let tsrange = PostgresType("tsrange", 3908, 3909)
  /// `tstzrange`.
  public static let tstzrange = PostgresType("tstzrange", 3910, 3911)
  /// `daterange`.
  public static let daterange = PostgresType("daterange", 3912, 3913)
  /// `int8range`.
  public static let int8range = PostgresType("int8range", 3926, 3927)
  /// `int4multirange`, from PostgreSQL 14.
  public static let int4multirange = PostgresType("int4multirange", 4451, 6150)
  /// `nummultirange`, from PostgreSQL 14.
  public static let nummultirange = PostgresType("nummultirange", 4532, 6151)
  /// `tsmultirange`, from PostgreSQL 14.
  public static let tsmultirange = PostgresType("tsmultirange", 4533, 6152)
  /// `tstzmultirange`, from PostgreSQL 14.
  public static let tstzmultirange = PostgresType("tstzmultirange", 4534, 6153)
  /// `datemultirange`, from PostgreSQL 14.
  public static let datemultirange = PostgresType("datemultirange", 4535, 6155)
  /// `int8multirange`, from PostgreSQL 14.
  public static let int8multirange = PostgresType("int8multirange", 4536, 6157)

  private static let names: [UInt32: String] = {
    let known: [PostgresType] = [
      .bool, .bytea, .int8, .int2, .int4, .text, .json, .cidr, .float4, .float8, .macaddr, .inet, .date, .time,
      .timestamp, .timestamptz, .interval, .timetz, .numeric, .uuid, .jsonb, .int4range, .numrange, .tsrange,
      .tstzrange, .daterange, .int8range, .int4multirange, .nummultirange, .tsmultirange, .tstzmultirange,
      .datemultirange, .int8multirange,
      PostgresType("\"char\"", 18, 1002), PostgresType("name", 19, 1003), PostgresType("oid", 26, 1028),
      PostgresType("xml", 142, 143), PostgresType("macaddr8", 774, 775), PostgresType("money", 790, 791),
      PostgresType("char(n)", 1042, 1014), PostgresType("varchar", 1043, 1015), PostgresType("bit", 1560, 1561),
      PostgresType("varbit", 1562, 1563), PostgresType("record", 2249, 2287), PostgresType("unknown", 705, 705),
      PostgresType("void", 2278, 2278),
    ]
    return Dictionary(
      known.flatMap { [($0.oid, $0.name), ($0.arrayOID, $0.array.name)] }, uniquingKeysWith: { first, _ in first })
  }()

  /// Whether the driver knows the type by itself.
  static func isKnown(_ oid: UInt32) -> Bool { names[oid] != nil }

  /// The first number that is not PostgreSQL's own (`FirstNormalObjectId`): types of users and extensions.
  static let firstUserOID: UInt32 = 16_384

  /// A type's name by its number, for messages.
  static func name(ofOID oid: UInt32) -> String {
    names[oid] ?? "type \(oid) (SELECT \(oid)::regtype tells its name)"
  }
}
