public import FoundationEssentials
internal import MigrationFiles

/// A new pair of migration files.
public struct MigrationTemplate: Sendable, Hashable {
  /// The number of the new migration.
  public var version: Int64
  /// The path of the up file.
  public var up: String
  /// The path of the down file.
  public var down: String

  /// Writes the two files, empty but for a comment, with the number after the highest in the folder.
  ///
  /// Numbers are as wide as those that are there, six digits in an empty folder. A folder whose numbers are times
  /// (`20260131120000`) gets a time.
  ///
  /// - Parameters:
  ///   - title: What the migration does, in words: `Add users` becomes `add_users`.
  ///   - directory: The folder, which is made if it is not there.
  ///   - now: The time for a folder numbered by times.
  /// - Throws: ``MigrationError`` with the code ``MigrationError/Code/invalidFiles``.
  public init(title: String, in directory: String, now: Date = Date()) throws(MigrationError) {
    let words = title.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
    guard !words.isEmpty else {
      throw MigrationError(
        .invalidFiles,
        "a migration needs a title with letters a-z or digits 0-9, such as add_users: its file name leaves out the rest"
      )
    }
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      let names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".sql") }
      let highest = names.compactMap { try? FileName(path: $0).version }.max() ?? 0
      let width = names.map { $0.prefix { $0.isNumber }.count }.max() ?? 6
      guard highest < Int64.max else {
        throw MigrationError(.invalidFiles, "there is no number after \(highest), the highest in \(directory)")
      }
      version = highest < 10_000_000_000_000 ? highest + 1 : max(highest + 1, Self.timestamp(now))
      let digits = String(version)
      let number = String(repeating: "0", count: max(0, width - digits.count)) + digits
      let name = number + "_" + words.joined(separator: "_")
      // The longer of the two; before a file is written, for half a pair would stop the next build.
      let length = (name + ".down.sql").utf8.count
      guard length <= Self.longestName else {
        throw MigrationError(
          .invalidFiles,
          "the title makes a file name of \(length) characters, and \(Self.longestName) is the most: "
            + "shorten it by \(length - Self.longestName)")
      }
      let path = (directory.hasSuffix("/") ? directory : directory + "/") + name
      (up, down) = (path + ".up.sql", path + ".down.sql")
      // In one line, or the rest would be a statement; in quotes where it would be a directive.
      let line = title.split(whereSeparator: \.isNewline).joined(separator: " ")
      let isDirective = ["keel:", "+goose"].contains {
        line.lowercased().trimmingPrefix(while: \.isWhitespace).hasPrefix($0)
      }
      let comment = isDirective ? "\"\(line)\"" : line
      // The longer name first, for file systems that take less.
      try Data("-- Undo: \(comment)\n".utf8).write(to: URL(filePath: down), options: .withoutOverwriting)
      try Data("-- \(comment)\n".utf8).write(to: URL(filePath: up), options: .withoutOverwriting)
    } catch let error as MigrationError {
      throw error
    } catch {
      throw MigrationError(.invalidFiles, "cannot write a new migration to \(directory): \(error.reason)")
    }
  }

  /// How many bytes a file name may have, as Linux (`NAME_MAX`) and nearly all its file systems have it.
  private static let longestName = 255

  /// The time as a number: year, month, day, hour, minute, second in UTC.
  private static func timestamp(_ now: Date) -> Int64 {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: now)
    return [parts.year, parts.month, parts.day, parts.hour, parts.minute, parts.second]
      .reduce(0) { $0 * 100 + Int64($1 ?? 0) }
  }
}
