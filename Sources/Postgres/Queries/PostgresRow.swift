/// A struct that is read from a row by the names of its columns:
///
/// ```swift
/// struct User: PostgresRow { var id: UUID; var email: String; var display_name: String? }
/// ```
///
/// Coding keys map other names. A protocol of its own, so that `Int` or `String`, which are `Decodable` too, are
/// never mistaken for a row.
public protocol PostgresRow: Decodable, Sendable {}
