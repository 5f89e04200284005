internal import FoundationEssentials
internal import Glibc
internal import MigrationFiles

extension MigrationSet {
  /// What to do about an up file without its down file.
  public enum MissingDown: Sendable {
    /// It is an error.
    case refuse
    /// The migration cannot be undone.
    case allow
  }

  /// Reads the `.sql` files of a folder, not of its subfolders. Files with other endings are left alone.
  ///
  /// Both forms of file are read, mixed or alone: pairs `NNNNNN_title.up.sql` and `.down.sql` as golang-migrate has
  /// them, and goose's single `NNNNNN_title.sql`.
  ///
  /// - Parameters:
  ///   - directory: The folder.
  ///   - name: The name of the set; without one it stands for the set that the database already has.
  ///   - missingDown: What to do about an up file without its down file.
  /// - Throws: ``MigrationError`` with the code ``MigrationError/Code/invalidFiles`` and every fault in its message.
  public init(directory: String, name: String = "", missingDown: MissingDown = .refuse) throws(MigrationError) {
    let files = try Self.files(in: directory)
    let folder = MigrationFolder(files: files, missingDown: missingDown == .allow ? .allow : .refuse)
    guard folder.faults.isEmpty else {
      throw MigrationError(.invalidFiles, folder.faults.map(\.description).joined(separator: "\n"))
    }
    self.init(name, folder.migrations.map(Migration.init))
  }

  /// The `.sql` files of a folder with what is in them; at least one.
  static func files(in directory: String) throws(MigrationError) -> [(path: String, bytes: [UInt8])] {
    var files: [(path: String, bytes: [UInt8])] = []
    var source = "folder of migrations \(directory)"
    do {
      for name in try FileManager.default.contentsOfDirectory(atPath: directory) where name.hasSuffix(".sql") {
        let path = directory.hasSuffix("/") ? directory + name : directory + "/" + name
        source = "migration \(path)"
        files.append((path, [UInt8](try Data(contentsOf: URL(filePath: path)))))
      }
    } catch {
      throw MigrationError(.invalidFiles, "cannot read the \(source): \(error.reason)")
    }
    guard !files.isEmpty else {
      throw MigrationError(.invalidFiles, "the folder \(directory) holds no .sql files")
    }
    return files
  }
}

extension Error {
  /// What the system said of a file, in its words and not in those of Foundation.
  var reason: String {
    guard let error = (self as? CocoaError)?.underlying as? POSIXError else { return "\(self)" }
    return String(cString: strerror(error.code.rawValue))
  }
}

extension Migration {
  init(_ source: MigrationSource) {
    self.init(
      version: source.version, title: source.title, up: Script(source.up), down: source.down.map(Script.init))
  }
}

extension Migration.Script {
  fileprivate init(_ source: MigrationSource.Script) {
    self.init(
      file: source.path, text: source.text, firstLine: source.firstLine, inTransaction: source.inTransaction)
  }
}
