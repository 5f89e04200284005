/// A struct that is read from a row by the names of its columns:
///
/// ```swift
/// struct User: PostgresRow { var id: UUID; var email: String; var displayName: String? }
/// ```
///
/// Capitals and underscores make no difference where no column has the property's exact name and one alone is left then:
/// `displayName` is read from `display_name`. Coding keys map other names. An optional property is nil where the query
/// returns no such column. A protocol of its own, so that `Int` or `String`, which are `Decodable` too, are
/// never mistaken for a row.
public protocol PostgresRow: Decodable, Sendable {}
