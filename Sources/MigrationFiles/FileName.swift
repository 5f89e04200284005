/// What the name of a migration file says.
///
/// `NNNNNN_title.up.sql` and `NNNNNN_title.down.sql` are a pair, as golang-migrate has them; `NNNNNN_title.sql` holds both
/// directions, as goose has it. Leading zeros have no meaning: `7_users.up.sql` and `000007_users.down.sql` are a pair.
package struct FileName: Hashable, Sendable {
  /// Which direction the file holds.
  package enum Role: Hashable, Sendable {
    case up
    case down
    case both
  }

  /// The number the name begins with.
  package var version: Int64
  /// The words between the number and the suffix.
  package var title: String
  /// The direction.
  package var role: Role

  /// Reads the last component of `path`.
  package init(path: String) throws(FileFault) {
    var name = path[...]
    if let slash = name.lastIndex(of: "/") { name = name[name.index(after: slash)...] }

    let stem: Substring
    if name.hasSuffix(".up.sql") {
      (role, stem) = (.up, name.dropLast(7))
    } else if name.hasSuffix(".down.sql") {
      (role, stem) = (.down, name.dropLast(9))
    } else if name.hasSuffix(".sql") {
      (role, stem) = (.both, name.dropLast(4))
    } else {
      throw Self.fault(path, "the name does not end in .sql")
    }

    let digits = stem.prefix { $0.isASCII && $0.isNumber }
    guard !digits.isEmpty else { throw Self.fault(path, "the name does not begin with a number") }
    guard let version = Int64(digits) else {
      throw Self.fault(path, "the number \(digits) does not fit into the bigint of the version table")
    }
    guard version > 0 else { throw Self.fault(path, "versions begin with 1: 0 stands for the empty database") }
    let rest = stem.dropFirst(digits.count)
    guard rest.hasPrefix("_"), rest.count > 1 else {
      throw Self.fault(path, "the number is not followed by _ and a title")
    }
    self.version = version
    self.title = String(rest.dropFirst())
  }

  private static func fault(_ path: String, _ problem: String) -> FileFault {
    FileFault(
      path: path,
      message: "\(problem); name it NNNNNN_title.up.sql and NNNNNN_title.down.sql, for example 000007_add_users.up.sql")
  }
}
