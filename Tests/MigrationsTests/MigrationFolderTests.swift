import Testing

@testable import MigrationFiles

@Suite struct FileNameTests {
  @Test(arguments: [
    ("000007_add_users.up.sql", Int64(7), "add_users", FileName.Role.up),
    ("db/migrations/7_add_users.down.sql", 7, "add_users", .down),
    ("20240131120000_x.sql", 20_240_131_120_000, "x", .both),
    ("1_a.b-c d.up.sql", 1, "a.b-c d", .up),
    ("9223372036854775807_last.up.sql", .max, "last", .up),
  ])
  func `a good name is read`(path: String, version: Int64, title: String, role: FileName.Role) throws {
    let name = try FileName(path: path)
    #expect(name.version == version)
    #expect(name.title == title)
    #expect(name.role == role)
  }

  @Test(arguments: [
    ("users.up.sql", "does not begin with a number"),
    ("000001.up.sql", "not followed by _ and a title"),
    ("000001_.up.sql", "not followed by _ and a title"),
    ("000001-users.up.sql", "not followed by _ and a title"),
    ("0_users.up.sql", "versions begin with 1"),
    ("9223372036854775808_x.up.sql", "does not fit"),
    ("١_x.up.sql", "does not begin with a number"),
    ("1_x.txt", "does not end in .sql"),
  ])
  func `a bad name is refused with its path, the reason and an example`(path: String, reason: String) {
    #expect {
      try FileName(path: path)
    } throws: { error in
      let text = "\(error)"
      return text.hasPrefix("\(path): error: ") && text.contains(reason) && text.contains("000007_add_users.up.sql")
    }
  }
}

@Suite struct MigrationFolderTests {
  private func folder(
    _ files: KeyValuePairs<String, String>, missingDown: MigrationFolder.MissingDown = .refuse
  ) -> MigrationFolder {
    MigrationFolder(files: files.map { ($0.key, Array($0.value.utf8)) }, missingDown: missingDown)
  }

  @Test func `pairs are found whatever the order and the number of zeros`() {
    let folder = folder([
      "10_b.up.sql": "-- b", "2_a.down.sql": "-- undo a", "000010_b.down.sql": "-- undo b", "0002_a.up.sql": "-- a",
    ])
    #expect(folder.faults.isEmpty)
    #expect(folder.migrations.map(\.version) == [2, 10])
    #expect(folder.migrations.map(\.title) == ["a", "b"])
    #expect(folder.migrations.first?.down?.text == "-- undo a")
  }

  @Test func `every fault is reported, each with its path`() {
    let folder = folder([
      "1_a.up.sql": "-- a", "1_b.up.sql": "-- b", "1_a.down.sql": "-- a", "2_c.up.sql": "-- c", "3_d.down.sql": "-- d",
      "4_e.up.sql": " \n\u{FEFF}", "4_e.down.sql": "-- e", "x.up.sql": "-- x", "5_f.up.sql": "-- keel: no-transacton\n",
      "5_f.down.sql": "-- f",
    ])
    #expect(
      folder.faults.map(\.path) == [
        "1_b.up.sql", "4_e.up.sql", "5_f.up.sql", "x.up.sql", "2_c.up.sql", "3_d.down.sql",
      ])
    #expect(folder.faults[0].message.contains("version 1 is taken by 1_a.up.sql"))
    #expect(folder.faults[1].message.contains("empty"))
    #expect(folder.faults[2].message.contains("unknown directive \"no-transacton\""))
    #expect(folder.faults[4].message.contains("add 2_c.down.sql"))
    #expect(folder.faults[5].message.contains("no up file"))
  }

  @Test func `a file that is not UTF-8 is refused`() {
    let folder = MigrationFolder(files: [("1_a.up.sql", [0x2D, 0x2D, 0xFF]), ("1_a.down.sql", Array("-- a".utf8))])
    #expect(folder.faults.map(\.path) == ["1_a.up.sql"])
  }

  @Test func `a missing down is accepted where that was asked for`() {
    let folder = folder(["1_a.up.sql": "-- a"], missingDown: .allow)
    #expect(folder.faults.isEmpty)
    #expect(folder.migrations.first?.down == nil)
  }

  @Test func `a down file may say that there is no way back`() {
    let folder = folder(["1_a.up.sql": "-- a", "1_a.down.sql": "-- keel: irreversible\n-- data is gone"])
    #expect(folder.faults.isEmpty)
    #expect(folder.migrations.first?.down == nil)
  }

  @Test(arguments: [
    "-- keel: no-transaction\nSELECT 1", "\u{FEFF}--keel: no-transaction", "--  keel:no-transaction\r\n",
  ])
  func `the first line turns the transaction off`(text: String) {
    let folder = folder(["1_a.up.sql": text, "1_a.down.sql": "-- a"])
    #expect(folder.faults.isEmpty)
    #expect(folder.migrations.first?.up.inTransaction == false)
    #expect(folder.migrations.first?.down?.inTransaction == true)
  }

  @Test func `a directive below the first line is refused rather than overlooked`() {
    let folder = folder(["1_a.up.sql": "-- about\n-- keel: no-transaction\nSELECT 1", "1_a.down.sql": "-- a"])
    #expect(
      folder.faults.map(\.description) == ["1_a.up.sql:2:1: error: a keel directive must be the first line of the file"]
    )
  }

  @Test func `pairs and goose files mix`() {
    let folder = folder([
      "1_a.up.sql": "-- a", "1_a.down.sql": "-- a", "2_b.sql": "-- +goose Up\nSELECT 2;\n-- +goose Down\nSELECT -2;\n",
    ])
    #expect(folder.faults.isEmpty)
    #expect(folder.migrations.last?.up.text == "SELECT 2;\n")
    #expect(folder.migrations.last?.up.firstLine == 2)
    #expect(folder.migrations.last?.down?.text == "SELECT -2;\n")
    #expect(folder.migrations.last?.down?.firstLine == 4)
  }

  @Test func `a goose file that is named as one direction is refused, since both would be run`() {
    let text = "-- +goose Up\nSELECT 2;\n--  +goose  down \nSELECT -2;\n"
    for name in ["2_b.up.sql", "2_b.down.sql"] {
      #expect(folder([name: text]).faults.map(\.path) == [name])
      #expect(folder([name: text]).faults.first?.description.contains("name a goose file NNNNNN_title.sql") == true)
    }
    #expect(folder(["2_b.up.sql": "-- +goose Up\nSELECT 2", "2_b.down.sql": "SELECT -2"]).faults.isEmpty)
  }

  @Test func `a single file without goose annotations is told both forms`() {
    let folder = folder(["2_b.sql": "SELECT 2"])
    #expect(folder.faults.first?.description.contains("neither a pair") == true)
  }
}
