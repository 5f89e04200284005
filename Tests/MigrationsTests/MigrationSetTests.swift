import FoundationEssentials
import SharedMigrations
import Testing

@testable import Migrations

@Suite struct MigrationSetTests {
  @Test func `the shared set holds 32 migrations, each with its way back`() {
    let set = MigrationSet.shared
    #expect(set.migrations.map(\.version) == Array(1...32))
    #expect(set.migrations.first?.title == "create_schemas")
    #expect(set.migrations.last?.title == "tvshow")
    #expect(set.migrations.allSatisfy { $0.down != nil && $0.up.inTransaction })
    #expect(set.latestVersion == 32)
  }

  @Test func `a version is found by its number`() {
    #expect(MigrationSet.shared[21]?.title == "movies")
    #expect(MigrationSet.shared[0] == nil)
    #expect(MigrationSet.shared[33] == nil)
    #expect(MigrationSet("none", [])[1] == nil)
  }

  @Test func `a folder is read, other files in it are not`() throws {
    try withFolder([
      "1_a.up.sql": "-- a", "1_a.down.sql": "-- b", "README.md": "#", "2_b.sql": "-- +goose Up\n-- +goose Down\n",
    ]) {
      let set = try MigrationSet(directory: $0, name: "x")
      #expect(set.name == "x")
      #expect(set.migrations.map(\.version) == [1, 2])
      #expect(set[1]?.up.file == "\($0)/1_a.up.sql")
    }
  }

  @Test func `all faults of a folder are in one error`() throws {
    try withFolder(["1_a.up.sql": "-- a", "b.up.sql": "-- b"]) { folder in
      #expect {
        try MigrationSet(directory: folder)
      } throws: { error in
        guard let error = error as? MigrationError else { return false }
        return error.code == .invalidFiles && error.message.split(separator: "\n").count == 2
          && error.message.contains("\(folder)/1_a.up.sql: error:")
          && error.message.contains("\(folder)/b.up.sql: error:")
      }
    }
  }

  @Test func `a folder that is not there, or empty, is named`() throws {
    #expect { try MigrationSet(directory: "/nowhere/at/all") } throws: { "\($0)".contains("/nowhere/at/all") }
    try withFolder([:]) { folder in
      #expect { try MigrationSet(directory: folder) } throws: { "\($0)".contains("\(folder) holds no .sql files") }
    }
  }

  @Test func `a file that cannot be read is named, and not its folder`() throws {
    try withFolder(["1_a.up.sql": "-- a", "1_a.down.sql": "-- a"]) { folder in
      let path = "\(folder)/2_b.up.sql"
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "\(folder)/gone")
      let error = #expect(throws: MigrationError.self) { try MigrationSet(directory: folder) }
      #expect(error?.message == "cannot read the migration \(path): No such file or directory")
    }
  }

  private func withFolder(_ files: [String: String], _ body: (String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      for (name, text) in files { try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8) }
      try body(folder)
    }
  }
}

@Suite struct MigrationErrorTests {
  @Test func `an error shows file, line, column, the text and a caret`() {
    let script = Migration.Script(file: "7_a.sql", text: "SELECT é,\n\tx FROM t;\n", firstLine: 5)
    let location = script.location(at: 12)
    #expect(location.line == 6)
    #expect(location.column == 2)
    #expect(location.excerpt == "\tx FROM t;\n\t^")
    var error = MigrationError(.scriptFailed, "up 7 a failed: no x", at: location)
    #expect("\(error)" == "7_a.sql:6:2: up 7 a failed: no x\n\tx FROM t;\n\t^")
    error.completed = [MigrationStep(direction: .up, set: "m", version: 6, title: "b", script: script)]
    #expect("\(error)".hasSuffix("\nBefore that up 6 b was carried out, and stands."))
  }

  @Test(arguments: [(0, 1), (99, 10)])
  func `a place outside the text is its beginning or end`(position: Int, column: Int) {
    #expect(Migration.Script(file: "f", text: "SELECT 1;").location(at: position).column == column)
  }
}
