import Testing

@testable import MigrationFiles

@Suite struct EmbeddedSourceTests {
  private func source(_ text: String) -> String {
    let up = MigrationSource.Script(path: "/somewhere/1_a.up.sql", text: text)
    return EmbeddedSource(
      target: "HelloMigrations", migrations: [MigrationSource(version: 1, title: "a", up: up, down: nil)]
    ).text
  }

  @Test func `the generated file names the target and the file without its folder`() {
    let text = source("SELECT 1;\n")
    #expect(text.contains("let embeddedMigrations: [Migration]"))
    #expect(text.contains(#"Migration.Script(file: "1_a.up.sql", text: "SELECT 1;\n")"#))
    #expect(text.contains("down: nil"))
    #expect(!text.contains("/somewhere"))
  }

  @Test func `whatever the SQL holds, the literal is plain ASCII on one line`() {
    let text = source("\u{FEFF}\"\\(x)\" \"\"\"#\r\n\té\u{2028}😀")
    #expect(text.contains(##"text: "\u{feff}\"\\(x)\" \"\"\"#\u{d}\n\u{9}\u{e9}\u{2028}\u{1f600}")"##))
    #expect(text.utf8.allSatisfy { $0 < 0x80 })
  }

  @Test func `an empty target is an empty list`() {
    #expect(EmbeddedSource(target: "None", migrations: []).text.contains("return migrations"))
  }
}
