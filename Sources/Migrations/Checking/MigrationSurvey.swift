internal import FoundationEssentials
internal import MigrationFiles

/// What a folder of migrations holds, whichever tool the files were made for.
///
/// For people who move: it tells what runs as it is, and what has to be done to the rest.
public struct MigrationSurvey: Sendable, Hashable {
  /// A way of writing migrations down.
  public enum Form: String, Sendable, Hashable, CaseIterable, Codable {
    /// `NNNNNN_title.up.sql` and `.down.sql`, as golang-migrate, sqlx and others have them. Runs as it is.
    case pairs
    /// One file with `-- +goose Up` and `-- +goose Down`. Runs as it is.
    case goose
    /// Flyway's `V1__title.sql`, `U1__title.sql` and `R__title.sql`.
    case flyway
    /// dbmate's single file with `-- migrate:up` and `-- migrate:down`.
    case dbmate
    /// tern's single file, cut by a line `---- create above / drop below ----`.
    case tern
    /// Liquibase's `--liquibase formatted sql`.
    case liquibase
    /// A `.sql` file of none of these forms.
    case unknown
  }

  /// The folder.
  public let directory: String
  /// The files by their forms; forms without a file are left out.
  public let files: [Form: [String]]
  /// The migrations that run as they are, ascending.
  public let migrations: [Migration]
  /// What is wrong with the files that are of a readable form, one line each: a missing down, a duplicate version, a
  /// `COPY … FROM stdin`, a string without end.
  public let faults: [String]

  /// Looks at the `.sql` files of a folder, not of its subfolders. Changes nothing.
  ///
  /// - Throws: ``MigrationError`` with the code ``MigrationError/Code/invalidFiles`` when the folder cannot be read or
  ///   holds no `.sql` files.
  public init(directory: String) throws(MigrationError) {
    let all = try MigrationSet.files(in: directory)
    let forms = Dictionary(grouping: all) {
      Form(name: Self.name(of: $0.path), text: String(decoding: $0.bytes, as: UTF8.self))
    }
    let folder = MigrationFolder(files: (forms[.pairs] ?? []) + (forms[.goose] ?? []))
    let migrations = folder.migrations.map(Migration.init)
    self.directory = directory
    self.files = forms.mapValues { $0.map { Self.name(of: $0.path) }.sorted() }
    self.migrations = migrations
    faults =
      folder.faults.map(\.description)
      + migrations.flatMap { [$0.up] + ($0.down.map { [$0] } ?? []) }.compactMap { script in
        do throws(MigrationError) {
          try script.checkSyntax()
          return nil
        } catch {
          return error.description
        }
      }
  }

  /// Whether the whole folder runs as it is.
  public var isRunnable: Bool {
    faults.isEmpty && files.keys.allSatisfy { $0 == .pairs || $0 == .goose }
  }

  private static func name(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }
}

extension MigrationSurvey.Form {
  /// Tells the form by the file's name, and where that says nothing by its marks.
  fileprivate init(name: String, text: String) {
    let isFlyway = name.first.map { "VUR".contains($0) } == true && name.contains("__")
    if isFlyway {
      self = .flyway
    } else if name.hasSuffix(".up.sql") || name.hasSuffix(".down.sql") {
      self = .pairs
    } else if GooseFile.isGoose(text) {
      self = .goose
    } else if text.contains("-- migrate:up") {
      self = .dbmate
    } else if text.contains("---- create above / drop below ----") {
      self = .tern
    } else if text.contains("--liquibase formatted sql") {
      self = .liquibase
    } else {
      self = .unknown
    }
  }
}
