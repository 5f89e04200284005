public import FoundationEssentials

extension Date: PostgresCodable {
  /// `timestamptz`.
  public static var postgresType: PostgresType { .timestamptz }

  /// 2000-01-01 00:00:00 UTC, where PostgreSQL's time begins, after `Date`'s reference date of 2001-01-01.
  static let postgresEpoch: TimeInterval = -31_622_400

  /// Microseconds since 2000-01-01; what is finer is rounded. `distantPast` and `distantFuture` become `-infinity`
  /// and `infinity`.
  ///
  /// - Throws: ``PostgresError`` for a date that is not a number or beyond what PostgreSQL can hold.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) {
    let micros = ((timeIntervalSinceReferenceDate - Self.postgresEpoch) * 1e6).rounded()
    if self == .distantFuture {
      buffer.append(Int64.max)
    } else if self == .distantPast {
      buffer.append(Int64.min)
    } else if let exact = Int64(exactly: micros) {
      buffer.append(exact)
    } else {
      throw PostgresError(.encoding, "a date beyond what PostgreSQL's timestamptz can hold")
    }
  }

  /// From `timestamptz`, from `timestamp` taken as UTC, or from `date` taken as midnight UTC. `infinity` becomes
  /// `distantFuture`, `-infinity` becomes `distantPast`.
  public init(from cell: PostgresCell) throws(PostgresError) {
    guard let bytes = cell.bytes else { throw cell.mismatch(Self.self) }
    switch cell.type {
    case 1184, 1114:
      guard let micros = bytes.integer(Int64.self) else { throw cell.outOfRange(Self.self) }
      switch micros {
      case .max: self = .distantFuture
      case .min: self = .distantPast
      default: self.init(timeIntervalSinceReferenceDate: Double(micros) / 1e6 + Self.postgresEpoch)
      }
    case 1082:
      let date = try PostgresDate(from: cell)
      switch date {
      case .infinity: self = .distantFuture
      case .negativeInfinity: self = .distantPast
      default: self.init(timeIntervalSinceReferenceDate: Double(date.daysSince2000) * 86_400 + Self.postgresEpoch)
      }
    default: throw cell.mismatch(Self.self)
    }
  }
}

extension UUID: PostgresCodable {
  /// `uuid`.
  public static var postgresType: PostgresType { .uuid }

  /// Sixteen bytes.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) {
    withUnsafeBytes(of: uuid) { buffer.append($0) }
  }

  /// From `uuid`.
  public init(from cell: PostgresCell) throws(PostgresError) {
    let bytes = try cell.bytes(for: Self.self, ofType: 2950)
    guard bytes.count == 16 else { throw cell.outOfRange(Self.self) }
    self.init(uuid: bytes.loadUnaligned(as: uuid_t.self))
  }
}

extension Data: PostgresCodable {
  /// `bytea`.
  public static var postgresType: PostgresType { .bytea }

  /// The bytes.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) { buffer.append(self) }

  /// From `bytea`.
  public init(from cell: PostgresCell) throws(PostgresError) { self.init(try cell.bytes(for: Self.self, ofType: 17)) }
}

extension Decimal: PostgresCodable {
  /// `numeric`.
  public static var postgresType: PostgresType { .numeric }

  /// PostgreSQL's form: groups of four decimal digits, the weight of the first, the sign, the digits after the point.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) {
    guard isFinite else {
      buffer.append([0, 0, 0, 0, 0xC0, 0, 0, 0])  // NaN, the one non-finite value Decimal has
      return
    }
    NumericDigits(decimal: description).encode(into: &buffer)
  }

  /// From `numeric` or an integer. A value of more than 38 digits is an error, not a rounded number; so is `infinity`.
  public init(from cell: PostgresCell) throws(PostgresError) {
    if [20, 21, 23].contains(cell.type) {
      self = Decimal(try Int64(from: cell))
      return
    }
    let bytes = try cell.bytes(for: Self.self, ofType: 1700)
    guard let numeric = NumericDigits(binary: bytes) else {
      guard bytes.integer(UInt16.self, at: 4) == 0xC000 else { throw cell.outOfRange(Self.self) }
      self = .nan
      return
    }
    guard numeric.significantDigits <= 38, let value = Decimal(string: numeric.description) else {
      throw cell.outOfRange(Self.self)
    }
    self = value
  }
}

/// A number as PostgreSQL's `numeric` keeps it: groups of four decimal digits.
struct NumericDigits: CustomStringConvertible {
  var groups: [Int16] = []
  /// The power of 10 000 that the first group counts.
  var weight = 0
  /// How many decimal digits stand after the point.
  var scale = 0
  var isNegative = false

  /// From plain decimal notation, such as `-123.45`.
  init(decimal text: String) {
    var digits = text[...]
    if digits.first == "-" {
      isNegative = true
      digits.removeFirst()
    }
    let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
    let whole = String(parts[0])
    let fraction = parts.count > 1 ? String(parts[1]) : ""
    scale = fraction.count
    let padded =
      String(repeating: "0", count: (4 - whole.count % 4) % 4) + whole + fraction
      + String(repeating: "0", count: (4 - fraction.count % 4) % 4)
    weight = (whole.count + 3) / 4 - 1
    var rest = padded[...]
    while !rest.isEmpty {
      groups.append(Int16(rest.prefix(4)) ?? 0)  // four digits by construction
      rest = rest.dropFirst(4)
    }
    while groups.first == 0 {
      groups.removeFirst()
      weight -= 1
    }
    while groups.last == 0 { groups.removeLast() }
    if groups.isEmpty { (weight, isNegative) = (0, false) }
  }

  /// From the binary form; nil for NaN, infinities and malformed bytes.
  init?(binary bytes: UnsafeRawBufferPointer) {
    guard let count = bytes.integer(Int16.self), let weight = bytes.integer(Int16.self, at: 2),
      let sign = bytes.integer(UInt16.self, at: 4), let scale = bytes.integer(Int16.self, at: 6),
      sign == 0 || sign == 0x4000, count >= 0, scale >= 0
    else { return nil }
    for index in 0..<Int(count) {
      guard let group = bytes.integer(Int16.self, at: 8 + 2 * index), (0...9999).contains(group) else { return nil }
      groups.append(group)
    }
    (self.weight, self.scale, isNegative) = (Int(weight), Int(scale), sign == 0x4000)
  }

  /// Appends the binary form.
  func encode(into buffer: inout ParameterBuffer) {
    buffer.append(Int16(clamping: groups.count))
    buffer.append(Int16(clamping: weight))
    buffer.append(UInt16(isNegative ? 0x4000 : 0))
    buffer.append(Int16(clamping: scale))
    for group in groups { buffer.append(group) }
  }

  /// Digits between the first and the last that is not zero.
  var significantDigits: Int {
    let digits = description.filter(\.isNumber).drop { $0 == "0" }
    return digits.count - digits.reversed().prefix { $0 == "0" }.count
  }

  /// Plain decimal notation.
  var description: String {
    func group(_ power: Int) -> String {
      let index = weight - power
      let value = groups.indices.contains(index) ? Int(groups[index]) : 0
      let digits = String(value)
      return String(repeating: "0", count: 4 - digits.count) + digits
    }
    let whole = weight < 0 ? "0" : (0...weight).reversed().map(group).joined()
    var text = String(whole.drop { $0 == "0" })
    if text.isEmpty { text = "0" }
    if scale > 0 {
      let fraction = (1...(scale + 3) / 4).map { group(-$0) }.joined()
      text += "." + fraction.prefix(scale)
    }
    return isNegative ? "-" + text : text
  }
}

/// A value stored as JSON: `PostgresJSON(settings)` as a parameter, `PostgresJSON<Settings>` as a result.
///
/// A `Date` in it is written as `2024-02-29T12:30:00.000000Z`. Read are ISO 8601 with any zone, with a fraction or without,
/// and numbers, as seconds since 2001: what a plain `JSONEncoder` writes.
public struct PostgresJSON<Value: Codable & Sendable>: PostgresCodable {
  /// What is stored.
  public let value: Value

  /// Wraps a value.
  public init(_ value: Value) { self.value = value }

  /// `jsonb`.
  public static var postgresType: PostgresType { .jsonb }

  /// The version byte and the text of the JSON.
  ///
  /// - Throws: ``PostgresError`` when the value cannot be written as JSON.
  public func encode(into buffer: inout ParameterBuffer) throws(PostgresError) {
    let data: Data
    do {
      let encoder = JSONEncoder()
      encoder.dateEncodingStrategy = .custom { date, encoder in try date.encodeISO8601(to: encoder) }
      data = try encoder.encode(value)
    } catch {
      // The encoder's own words quote the value.
      var place = ""
      if case EncodingError.invalidValue(_, let context)? = error as? EncodingError, !context.codingPath.isEmpty {
        place = ": look at \(context.codingPath.map(\.stringValue).joined(separator: "."))"
      }
      throw PostgresError(.encoding, "\(Value.self) cannot be written as JSON\(place)")
    }
    buffer.append(UInt8(1))
    buffer.append(data)
  }

  /// From `jsonb`, `json` or text that holds JSON.
  public init(from cell: PostgresCell) throws(PostgresError) {
    let text = try String(from: cell)
    do {
      let decoder = JSONDecoder()
      decoder.dateDecodingStrategy = .custom { decoder in try Date(fromISO8601: decoder) }
      value = try decoder.decode(Value.self, from: Data(text.utf8))
    } catch {
      // The decoder's own words quote the data.
      throw PostgresError(.decoding, "the JSON does not fit \(Value.self)")
    }
  }
}

/// As the value itself, so that a ``PostgresRow`` may have such a property.
extension PostgresJSON: Codable {
  /// From the value's own form.
  public init(from decoder: any Decoder) throws { value = try Value(from: decoder) }

  /// In the value's own form.
  public func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}
