import FoundationEssentials
import Migrations
import Testing

@Suite struct MigrationSurveyTests {
  private func survey(_ files: [String: String]) throws -> MigrationSurvey {
    let folder = FileManager.default.temporaryDirectory.path + "/keel-survey-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (name, text) in files { try text.write(toFile: folder + "/" + name, atomically: false, encoding: .utf8) }
    return try MigrationSurvey(directory: folder)
  }

  @Test func `pairs and goose files run as they are, a lone CONCURRENTLY outside a transaction`() throws {
    let survey = try survey([
      "1_a.up.sql": "CREATE TABLE a (x int)", "1_a.down.sql": "DROP TABLE a",
      "2_i.up.sql": "CREATE INDEX CONCURRENTLY i ON a (x);", "2_i.down.sql": "-- drop\nDROP INDEX CONCURRENTLY i;",
      "3_g.sql": "-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 1;\n",
    ])
    #expect(survey.isRunnable && survey.faults.isEmpty)
    #expect(survey.migrations.map(\.version) == [1, 2, 3])
    #expect(survey.migrations.map(\.up.inTransaction) == [true, false, true])
    #expect(survey.migrations[1].down?.inTransaction == false)
    #expect(survey.files[.pairs]?.count == 4 && survey.files[.goose] == ["3_g.sql"])
  }

  @Test(
    arguments: [
      ("V1__a.sql", "SELECT 1", .flyway), ("R__view.sql", "SELECT 1", .flyway),
      ("1_a.sql", "-- migrate:up\nSELECT 1\n-- migrate:down\n", .dbmate),
      ("001_a.sql", "SELECT 1;\n---- create above / drop below ----\nSELECT 2", .tern),
      ("a.sql", "--liquibase formatted sql\n--changeset a:1\nSELECT 1", .liquibase),
      ("notes.sql", "SELECT 1", .unknown),
    ] as [(String, String, MigrationSurvey.Form)])
  func `files of other tools are told apart, and stop the folder`(
    name: String, text: String, form: MigrationSurvey.Form
  ) throws {
    let survey = try survey([name: text])
    #expect(survey.files == [form: [name]])
    #expect(!survey.isRunnable && survey.migrations.isEmpty)
  }

  @Test func `what would stop a run later is told with its place`() throws {
    let survey = try survey([
      "1_a.up.sql": "SELECT 1;\nCOMMIT;\nSELECT 2", "1_a.down.sql": "SELECT 'no end", "2_b.up.sql": "SELECT 1",
    ])
    #expect(!survey.isRunnable)
    #expect(survey.faults.count == 3)
    #expect(survey.faults.contains { $0.contains("2_b.up.sql") && $0.contains("has no down") })
    #expect(survey.faults.contains { $0.contains("1_a.up.sql:2:1") })
    #expect(survey.faults.contains { $0.contains("1_a.down.sql:1:8") })
  }
}
