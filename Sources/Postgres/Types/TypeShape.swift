/// How the values of a type are built, for who turns their text into the binary form or back.
enum TypeShape: Sendable {
  /// The binary form is the text.
  case text
  case bool, bytea, hstore, interval, jsonb, numeric, oid, timestamptz, uuid
  /// A type whose text in Swift is PostgreSQL's.
  case value(any (PostgresCodable & LosslessStringConvertible).Type)
  case array(of: UInt32)
  /// The types of the fields, in order.
  case composite([UInt32])
  case range(of: UInt32)
  /// Of ranges of this type.
  case multirange(of: UInt32)

  /// PostgreSQL's own types, those that the driver reads.
  static let known: [UInt32: TypeShape] = {
    let arrays: [(PostgresType, TypeShape)] = [
      (.bool, .bool), (.bytea, .bytea), (.int8, .value(Int64.self)), (.int2, .value(Int16.self)),
      (.int4, .value(Int32.self)), (.text, .text), (.json, .text), (.cidr, .value(PostgresCIDR.self)),
      (.float4, .value(Float.self)), (.float8, .value(Double.self)), (.macaddr, .value(PostgresMACAddress.self)),
      (.inet, .value(PostgresInet.self)), (.date, .value(PostgresDate.self)), (.time, .value(PostgresTime.self)),
      (.timestamp, .value(PostgresTimestamp.self)), (.timestamptz, .timestamptz), (.interval, .interval),
      (.timetz, .value(PostgresTimeTZ.self)), (.numeric, .numeric), (.uuid, .uuid), (.jsonb, .jsonb),
      (.int4range, .range(of: PostgresType.int4.oid)), (.int8range, .range(of: PostgresType.int8.oid)),
      (.numrange, .range(of: PostgresType.numeric.oid)), (.tsrange, .range(of: PostgresType.timestamp.oid)),
      (.tstzrange, .range(of: PostgresType.timestamptz.oid)), (.daterange, .range(of: PostgresType.date.oid)),
      (.int4multirange, .multirange(of: PostgresType.int4range.oid)),
      (.int8multirange, .multirange(of: PostgresType.int8range.oid)),
      (.nummultirange, .multirange(of: PostgresType.numrange.oid)),
      (.tsmultirange, .multirange(of: PostgresType.tsrange.oid)),
      (.tstzmultirange, .multirange(of: PostgresType.tstzrange.oid)),
      (.datemultirange, .multirange(of: PostgresType.daterange.oid)),
      (PostgresType(name: "\"char\"", oid: 18, arrayOID: 1002), .text),
      (PostgresType(name: "name", oid: 19, arrayOID: 1003), .text),
      (PostgresType(name: "oid", oid: 26, arrayOID: 1028), .oid),
      (PostgresType(name: "xml", oid: 142, arrayOID: 143), .text),
      (PostgresType(name: "char(n)", oid: 1042, arrayOID: 1014), .text),
      (PostgresType(name: "varchar", oid: 1043, arrayOID: 1015), .text),
    ]
    var shapes: [UInt32: TypeShape] = [705: .text, 2278: .text]  // unknown, void
    for (type, shape) in arrays {
      shapes[type.oid] = shape
      shapes[type.arrayOID] = .array(of: type.oid)
    }
    return shapes
  }()

  /// As ``TypeCatalogue`` asks for it.
  init?(kind: String?, parts: [UInt32]) {
    switch (kind, parts.first) {
    case ("text", _): self = .text
    case ("hstore", _): self = .hstore
    case ("composite", _): self = .composite(parts)
    case ("array", let element?): self = .array(of: element)
    case ("range", let bound?): self = .range(of: bound)
    case ("multirange", let range?): self = .multirange(of: range)
    default: return nil
    }
  }
}
