import Testing

@testable import MigrationFiles

@Suite struct GooseFileTests {
  @Test func `statement marks leave the line numbers as they are`() throws {
    let file = try GooseFile(
      path: "1_a.sql",
      text: """
        -- a comment before is fine
        -- +goose NO TRANSACTION

        -- +goose Up
        -- +goose StatementBegin
        SELECT 1;
        -- +goose StatementEnd
        SELECT 2;

        -- +goose Down
        SELECT 3;
        """)
    #expect(file.noTransaction)
    #expect(file.up.text == "\nSELECT 1;\n\nSELECT 2;\n\n")
    #expect(file.up.firstLine == 5)
    #expect(file.down == GooseFile.Section(text: "SELECT 3;\n", firstLine: 11))
  }

  @Test(arguments: [
    ("-- +goose Down\n-- +goose Up\n", "1_a.sql:1:1: error: \"-- +goose Down\" stands before"),
    ("-- +goose Up\n-- +goose Up\n", "1_a.sql:2:1: error: there is a second"),
    ("-- +goose Up\n-- +goose StatementBegin\n-- +goose Down\n", "1_a.sql:2:1: error: StatementBegin without"),
    ("-- +goose Up\n-- +goose StatementEnd\n", "1_a.sql:2:1: error: StatementEnd without"),
    (
      "-- +goose Up\n-- +goose StatementBegin\n-- +goose StatementBegin\n",
      "1_a.sql:3:1: error: StatementBegin stands inside"
    ),
    ("-- +goose Up\n-- +goose ENVSUB ON\n", "1_a.sql:2:1: error: environment variables"),
    ("-- +goose Upp\n", "1_a.sql:1:1: error: unknown annotation \"+goose Upp\""),
    ("SELECT 1;\n-- +goose Up\n", "1_a.sql:1:1: error: SQL before"),
    ("-- nothing\n", "1_a.sql: error: neither a pair"),
  ])
  func `a malformed file is refused at its line`(text: String, start: String) {
    #expect {
      try GooseFile(path: "1_a.sql", text: text)
    } throws: {
      "\($0)".hasPrefix(start)
    }
  }
}
