extension PostgresResult {
  /// The only row.
  ///
  /// - Throws: ``PostgresError`` of code ``PostgresError/Code/noRows`` or ``PostgresError/Code/tooManyRows`` when
  ///   there is not exactly one row.
  public func single() throws(PostgresError) -> PostgresRowView {
    try checkSingle()
    return self[0]
  }

  private func checkSingle() throws(PostgresError) {
    switch count {
    case 1: return
    case 0: throw PostgresError(.noRows, "no row where one is expected").of(sql, caller)
    default:
      throw PostgresError(.tooManyRows, "\(count) rows where one is expected; add LIMIT 1 if any will do").of(
        sql, caller)
    }
  }

  /// The value of the only row's only column.
  public func one<Column: PostgresDecodable>(as type: Column.Type = Column.self) throws -> Column {
    try onlyValue()
  }

  /// Not as a tuple of one: the code that reads tuples is made for any number of columns, and takes longer.
  private func onlyValue<Column: PostgresDecodable>() throws(PostgresError) -> Column {
    try checkSingle()
    try check(columns: 1)
    return try decode(handle.values, 0, 0)
  }

  /// The only row, as a tuple of its columns.
  public func one<each Column: PostgresDecodable>(
    as type: (repeat each Column).Type = (repeat each Column).self
  ) throws -> (repeat each Column) {
    try single().decode(as: type)
  }

  /// The only row, as a struct.
  public func one<Row: PostgresRow>(as type: Row.Type = Row.self) throws -> Row { try single().decode(as: type) }

  /// The value of the only row's only column; nil without a row.
  public func optional<Column: PostgresDecodable>(as type: Column.Type = Column.self) throws -> Column? {
    isEmpty ? nil : try onlyValue()
  }

  /// The only row, as a tuple of its columns; nil without a row.
  public func optional<each Column: PostgresDecodable>(
    as type: (repeat each Column).Type = (repeat each Column).self
  ) throws -> (repeat each Column)? {
    guard !isEmpty else { return nil }
    let row: (repeat each Column) = try single().decode()
    return row
  }

  /// The only row, as a struct; nil without a row.
  public func optional<Row: PostgresRow>(as type: Row.Type = Row.self) throws -> Row? {
    isEmpty ? nil : try single().decode(as: type)
  }

  /// The values of the only column.
  public func all<Column: PostgresDecodable>(as type: Column.Type = Column.self) throws -> [Column] {
    var rows: [Column] = []
    try read(into: &rows)
    return rows
  }

  /// Appends the values of the only column.
  func read<Column: PostgresDecodable>(into rows: inout [Column]) throws(PostgresError) {
    guard !isEmpty else { return }
    try check(columns: 1)
    if rows.isEmpty { rows.reserveCapacity(count) }
    let values = handle.values
    for row in indices { rows.append(try decode(values, row, 0)) }
  }

  /// All rows, as tuples of their columns.
  public func all<each Column: PostgresDecodable>(
    as type: (repeat each Column).Type = (repeat each Column).self
  ) throws -> [(repeat each Column)] {
    var rows: [(repeat each Column)] = []
    try read(into: &rows)
    return rows
  }

  /// Appends all rows.
  func read<each Column: PostgresDecodable>(into rows: inout [(repeat each Column)]) throws(PostgresError) {
    guard !isEmpty else { return }
    if rows.isEmpty { rows.reserveCapacity(count) }
    var reader = try RowReader(self, for: (repeat each Column).self)
    for row in indices { rows.append(try reader.read(row)) }
  }

  /// All rows, as structs.
  public func all<Row: PostgresRow>(as type: Row.Type = Row.self) throws -> [Row] {
    var rows: [Row] = []
    var decoder: RowDecoder?
    try read(into: &rows, by: &decoder)
    return rows
  }

  /// Appends all rows.
  ///
  /// - Parameter known: what is known of the columns from rows of the same answer that were read before.
  func read<Row: PostgresRow>(into rows: inout [Row], by known: inout RowDecoder?) throws(PostgresError) {
    guard !isEmpty else { return }
    if rows.isEmpty { rows.reserveCapacity(count) }
    let decoder = known ?? RowDecoder(self)
    known = decoder
    for row in indices { rows.append(try decoder.decode(Row.self, of: self, row: row)) }
  }
}
