import AppConfiguration
import Testing

@Suite struct ConfigurationTests {
  private let yaml = """
    database:
      url: postgres://user:pass@localhost:5432/app?sslmode=disable
      max_conns: 7            # 0 = CPU*2+1
      max_conn_lifetime: 1h30m
      log_parameters: none
      migrate_on_start: false
    host:
      listen: "[::1]:9090"
      origins: [https://a.example, 'https://b.example']
    log: { format: json, sampling: 0.5 }
    """

  @Test func `a file sets every kind of value`() throws {
    let configuration = try Configuration(yaml: yaml)
    #expect(configuration.faults() == [])
    #expect(try configuration(TestSettings.url)?.reveal().hasPrefix("postgres://user:pass@") == true)
    #expect(try configuration(TestSettings.maxConns) == 7)
    #expect(try configuration(TestSettings.lifetime) == .seconds(5400))
    #expect(try configuration(TestSettings.parameters) == .none)
    #expect(try configuration(TestSettings.migrate) == false)
    #expect(try configuration(TestSettings.listen) == .tcp(host: "::1", port: 9090))
    #expect(try configuration(TestSettings.origins) == ["https://a.example", "https://b.example"])
    #expect(try configuration(TestSettings.format) == .json)
    #expect(try configuration(TestSettings.ratio) == 0.5)
  }

  @Test func `without sources every setting has its default`() throws {
    let configuration = Configuration()
    #expect(configuration.faults() == [])
    #expect(try configuration(TestSettings.url) == nil)
    #expect(try configuration(TestSettings.listen) == .tcp(host: "127.0.0.1", port: 8080))
    #expect(configuration.source(of: TestSettings.listen) == .default)
  }

  @Test func `flags win over the environment, which wins over the file`() throws {
    var configuration = try Configuration(yaml: yaml)
    #expect(configuration.source(of: TestSettings.maxConns).description == "keel.yaml:3:14")

    configuration = try Configuration(yaml: yaml, environment: ["DATABASE_MAX_CONNS": "8"])
    #expect(try configuration(TestSettings.maxConns) == 8)
    #expect(configuration.source(of: TestSettings.maxConns) == .environment("DATABASE_MAX_CONNS"))

    configuration = try Configuration(
      yaml: yaml, flags: ["database.max_conns": "9"], environment: ["DATABASE_MAX_CONNS": "8"])
    #expect(try configuration(TestSettings.maxConns) == 9)
    #expect(configuration.source(of: TestSettings.maxConns).description == "--database-max-conns")
  }

  @Test func `an empty environment variable counts as not set`() throws {
    let configuration = Configuration(environment: ["DATABASE_URL": "", "DATABASE_MAX_CONNS": ""])
    #expect(configuration.faults() == [])
    #expect(try configuration(TestSettings.url) == nil)
  }

  @Test func `unknown environment variables are ignored`() {
    #expect(Configuration(environment: ["DATABASE_COLOUR": "blue", "PATH": "/bin"]).faults() == [])
  }

  @Test func `a list comes from commas in a flag or variable`() throws {
    let configuration = Configuration(environment: ["HOST_ORIGINS": "https://a.example , b"])
    #expect(try configuration(TestSettings.origins) == ["https://a.example", "b"])
  }

  @Test func `a section or value without content is as good as none`() throws {
    let configuration = try Configuration(yaml: "database:\nlog:\n  # format: json\nhost:\n  origins:\n")
    #expect(configuration.faults() == [])
    #expect(try configuration(TestSettings.format) == .text)
  }

  @Test(arguments: ["", "# nothing here\n", "---\n", "\u{FEFF}database:\n  max_conns: 3\n", "null", "{}"])
  func `an empty file or one with a byte order mark is fine`(yaml: String) throws {
    #expect(try Configuration(yaml: yaml).faults() == [])
  }

  @Test func `effective settings show value and source and mask secrets`() throws {
    let configuration = try Configuration(
      yaml: yaml, flags: ["host.listen": ":80"], environment: ["LOG_FORMAT": "text"])
    let rows = try configuration.effective(TestSettings.catalogs).map {
      "\($0.setting.path)=\($0.value) (\($0.source))"
    }
    #expect(
      rows == [
        "database.url=<REDACTED> (keel.yaml:2:8)", "database.max_conns=7 (keel.yaml:3:14)",
        "database.max_conn_lifetime=1h30m (keel.yaml:4:22)", "database.log_parameters=none (keel.yaml:5:19)",
        "database.migrate_on_start=false (keel.yaml:6:21)", "host.listen=:80 (--listen)",
        "host.origins=https://a.example, https://b.example (keel.yaml:9:12)", "log.format=text (LOG_FORMAT)",
        "log.sampling=0.5 (keel.yaml:10:32)",
      ])
  }

  @Test func `the file is read from disk and an unreadable one is named`() throws {
    let error = #expect(throws: ConfigurationError.self) { try ConfigurationFile.load(path: "/nowhere/keel.yaml") }
    #expect(
      error?.description == "cannot read the configuration file '/nowhere/keel.yaml': No such file or directory")
    #expect(error?.faults.map(\.code) == [.unreadable])
    let folder = #expect(throws: ConfigurationError.self) { try ConfigurationFile.load(path: "/") }
    #expect(folder?.description.hasSuffix("Is a directory") == true)
    #expect(try ConfigurationFile.load(path: "/dev/null").path == "/dev/null")
    let endless = #expect(throws: ConfigurationError.self) { try ConfigurationFile.load(path: "/dev/zero") }
    #expect(endless?.description.hasSuffix("larger than 1 MiB") == true)
  }
}
