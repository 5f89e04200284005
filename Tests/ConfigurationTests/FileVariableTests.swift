import AppConfiguration
import FoundationEssentials
import Testing

@Suite struct FileVariableTests {
  /// Calls `body` with the path of a file of this text.
  private func withFile<Result>(_ bytes: some Sequence<UInt8>, _ body: (String) throws -> Result) throws -> Result {
    let path = FileManager.default.temporaryDirectory.path + "/keel-secret-\(UUID().uuidString)"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  private func faults(_ environment: [String: String], flags: [String: String] = [:]) -> [String] {
    do {
      _ = try Configuration(flags: flags, environment: environment).readingFileVariables(TestSettings.catalogs)
      return []
    } catch {
      return error.faults.map(\.description)
    }
  }

  @Test(arguments: ["postgres://ada:pw@db/app", "postgres://ada:pw@db/app\n", "postgres://ada:pw@db/app\r\n"])
  func `a file that the environment names holds the value, with or without a line break at its end`(text: String) throws
  {
    try withFile(text.utf8) { path in
      let configuration = try Configuration(
        yaml: "database: { url: postgres://elsewhere }", environment: ["DATABASE_URL_FILE": path]
      ).readingFileVariables(TestSettings.catalogs)
      #expect(configuration.faults() == [])
      #expect(try configuration(TestSettings.url)?.reveal() == "postgres://ada:pw@db/app")
      #expect(configuration.source(of: TestSettings.url) == .environment("DATABASE_URL_FILE"))
    }
  }

  @Test func `a value in a file is checked as any other, and named by its variable`() throws {
    try withFile("many\n".utf8) { path in
      let configuration = try Configuration(environment: ["DATABASE_MAX_CONNS_FILE": path])
        .readingFileVariables(TestSettings.catalogs)
      let fault = try #require(configuration.faults().first)
      #expect(fault.hasPrefix("DATABASE_MAX_CONNS_FILE: database.max_conns: "))
    }
  }

  @Test func `a flag wins over a file, which is not even read`() throws {
    #expect(faults(["DATABASE_URL_FILE": "/nonexistent"], flags: ["database.url": "postgres://flag"]) == [])
  }

  @Test func `files that are missing, empty or no text, and a variable beside its file, are faults without the value`()
    throws
  {
    try withFile([]) { empty in
      try withFile([0xFF, 0xFE]) { binary in
        try withFile("secret".utf8) { secret in
          #expect(
            faults([
              "DATABASE_URL_FILE": secret, "DATABASE_URL": "hunter2", "DATABASE_MAX_CONNS_FILE": empty,
              "HOST_LISTEN_FILE": binary, "LOG_FORMAT_FILE": "/nonexistent/format",
            ]) == [
              "DATABASE_URL_FILE: database.url: DATABASE_URL is set too; unset one of them",
              "DATABASE_MAX_CONNS_FILE: database.max_conns: \(empty) is empty",
              "HOST_LISTEN_FILE: host.listen: \(binary) is not UTF-8",
              "LOG_FORMAT_FILE: log.format: /nonexistent/format cannot be read: No such file or directory",
            ])
        }
      }
    }
  }

  @Test func `a variable that is a setting's own names no file`() throws {
    let key = Setting("tls.key", default: "", "The key.")
    let keyFile = Setting("tls.key_file", default: "", "Where the key is.")
    let catalogs = [SettingsCatalog("tls", key, keyFile)]
    let configuration = try Configuration(environment: ["TLS_KEY_FILE": "/nonexistent"]).readingFileVariables(catalogs)
    #expect(try configuration(key) == "" && configuration(keyFile) == "/nonexistent")
  }

  @Test func `a file's variable is not taken for a misspelt one`() throws {
    let configuration = Configuration(environment: ["DATABASE_URL_FILE": "/run/secrets/url"])
    #expect(configuration.misspelledVariables(TestSettings.catalogs) == [])
  }
}
