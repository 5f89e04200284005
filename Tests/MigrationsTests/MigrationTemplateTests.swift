import FoundationEssentials
import Testing

@testable import Migrations

@Suite struct MigrationTemplateTests {
  @Test func `a new pair has the next number, as wide as the others`() throws {
    try withTemporaryFolder { folder in
      let first = try MigrationTemplate(title: "Add users!", in: folder + "/new")
      #expect(first.up == folder + "/new/000001_add_users.up.sql")
      let second = try MigrationTemplate(title: "é rename  it", in: folder + "/new")
      #expect(second.down == folder + "/new/000002_rename_it.down.sql")
      let set = try MigrationSet(directory: folder + "/new")
      #expect(set.migrations.map(\.title) == ["add_users", "rename_it"])
      #expect(set[1]?.up.text == "-- Add users!\n")
    }
  }

  @Test func `a folder numbered by times gets a time`() throws {
    try withTemporaryFolder { folder in
      try "-- a".write(toFile: folder + "/20200101120000_a.up.sql", atomically: false, encoding: .utf8)
      let template = try MigrationTemplate(title: "b", in: folder, now: Date(timeIntervalSince1970: 1_767_225_599))
      #expect(template.version == 20_251_231_235_959)
      let again = try MigrationTemplate(title: "c", in: folder, now: Date(timeIntervalSince1970: 0))
      #expect(again.version == 20_251_231_235_960)
    }
  }

  @Test func `after the highest number there is, the folder is refused and named`() throws {
    try withTemporaryFolder { folder in
      try "-- a".write(toFile: folder + "/9223372036854775807_x.up.sql", atomically: false, encoding: .utf8)
      #expect {
        try MigrationTemplate(title: "b", in: folder)
      } throws: { error in
        guard let error = error as? MigrationError else { return false }
        return error.code == .invalidFiles && error.message.contains("9223372036854775807")
          && error.message.contains(folder)
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["9223372036854775807_x.up.sql"])
    }
  }

  @Test(arguments: ["--", "日本語"])
  func `a title without letters of English or digits is refused, and told which count`(title: String) {
    let error = #expect(throws: MigrationError.self) { try MigrationTemplate(title: title, in: "/tmp") }
    #expect(
      error?.message
        == "a migration needs a title with letters a-z or digits 0-9, such as add_users: its file name leaves out the rest"
    )
  }

  @Test func `a title too long for the name of the down file leaves no up file without it`() throws {
    try withTemporaryFolder { folder in
      let title = String(repeating: "t", count: 255 - "000001_.up.sql".count)
      let error = #expect(throws: MigrationError.self) { try MigrationTemplate(title: title, in: folder) }
      #expect(
        error?.message
          == "the title makes a file name of 257 characters, and 255 is the most: shorten it by 2")
      let files = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(files.isEmpty)
      _ = try MigrationTemplate(title: String(title.dropLast(2)), in: folder)
    }
  }

  @Test(arguments: [
    ("keel: upgrade", "-- \"keel: upgrade\"\n"), ("+goose up", "-- \"+goose up\"\n"),
    ("two\nDROP TABLE users", "-- two DROP TABLE users\n"),
  ])
  func `a title is a comment, whatever it looks like`(title: String, text: String) throws {
    try withTemporaryFolder { folder in
      _ = try MigrationTemplate(title: title, in: folder)
      #expect(try MigrationSet(directory: folder)[1]?.up.text == text)
    }
  }

  @Test func `a folder that cannot be read is named with the system's reason`() {
    let error = #expect(throws: MigrationError.self) { try MigrationSet(directory: "/nonexistent") }
    #expect(error?.message == "cannot read the folder of migrations /nonexistent: No such file or directory")
  }
}

/// Runs `body` with a folder that is removed afterwards.
func withTemporaryFolder(_ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.path + "/keel-migrations-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  try body(folder)
}
