import AppConfiguration
import Testing

@Suite struct ConfigurationCheckTests {
  @Test func `all faults come in one report, in the order of the file`() throws {
    let configuration = try Configuration(
      yaml: """
        databse:
          url: x
        database:
          max_con: 5
          max_conns: many
          max_conn_lifetime: 30
          max_conns: 6
          log_parameters: ful
        host:
          listen: 8080
        log: json
        """,
      flags: ["log.sampling": "often"], environment: ["DATABASE_MIGRATE_ON_START": "yes"])
    #expect(
      configuration.faults() == [
        "keel.yaml:1:1: unknown key 'databse' (did you mean 'database'?)",
        "keel.yaml:4:3: unknown key 'database.max_con' (did you mean 'database.max_conns'?)",
        "keel.yaml:5:14: database.max_conns: expected a whole number, found 'many'",
        "keel.yaml:6:22: database.max_conn_lifetime: '30' has no unit: add a unit, such as '30s' or '30m'",
        "keel.yaml:7:3: duplicate key 'database.max_conns' (first on line 5)",
        "keel.yaml:8:19: database.log_parameters: expected one of 'full', 'fingerprint', 'none', found 'ful' "
          + "(did you mean 'full'?)",
        "keel.yaml:10:11: host.listen: '8080' is not host:port: write '127.0.0.1:8080'",
        "keel.yaml:11:6: log: expected a section with keys such as 'format', indented below it",
        "DATABASE_MIGRATE_ON_START: database.migrate_on_start: expected true or false, found 'yes'",
        "--log-sampling: log.sampling: expected a number, found 'often'",
      ])
  }

  @Test func `the report counts its faults and a single one stands alone`() throws {
    let two = try Configuration(yaml: "a: 1\nb: 2\n")
    let error = #expect(throws: ConfigurationError.self) { try two.check(TestSettings.catalogs) }
    #expect(
      error?.description == """
        2 faults in the configuration:
          keel.yaml:1:1: unknown key 'a'
          keel.yaml:2:1: unknown key 'b'
        """)
    let one = try Configuration(yaml: "a: 1\n")
    let single = #expect(throws: ConfigurationError.self) { try one.check(TestSettings.catalogs) }
    #expect(single?.description == "keel.yaml:1:1: unknown key 'a'")
  }

  @Test func `a key in the wrong section is shown its place`() throws {
    #expect(
      try Configuration(yaml: "max_conns: 5\n").faults()
        == ["keel.yaml:1:1: unknown key 'max_conns' (did you mean 'database.max_conns'?)"])
    #expect(
      try Configuration(yaml: "database.max_conns: 5\n").faults()
        == ["keel.yaml:1:1: unknown key 'database.max_conns': write 'max_conns:' indented below 'database:'"])
  }

  @Test func `a wrong value is refused by whoever reads it, too`() throws {
    let configuration = try Configuration(yaml: "database:\n  max_conns: -3\n")
    let error = #expect(throws: ConfigurationError.self) { try configuration(TestSettings.maxConns) }
    #expect(error?.description == "keel.yaml:2:14: database.max_conns: '-3' must be 0 or more")
    let doubled = try Configuration(yaml: "database:\n  max_conns: 3\n  max_conns: 4\n")
    #expect(throws: ConfigurationError.self) { try doubled(TestSettings.maxConns) }
  }

  @Test func `values of the wrong shape are named by their shape`() throws {
    #expect(
      try Configuration(yaml: "database:\n  max_conns: [1]\n  migrate_on_start: {a: 1}\nlog:\n  format:\n").faults()
        == [
          "keel.yaml:2:14: database.max_conns: expected a whole number, found a list",
          "keel.yaml:3:21: database.migrate_on_start: expected true or false, found a section with keys of its own",
          "keel.yaml:5:10: log.format: expected one of 'text', 'json', found no value",
        ])
    #expect(
      try Configuration(yaml: "host:\n  origins: [a, [b]]\n").faults()
        == ["keel.yaml:2:12: host.origins: element 2: expected text, found a list"])
    #expect(
      try Configuration(yaml: "- a\n- b\n").faults()
        == ["keel.yaml:1:1: expected keys and values, such as 'log:' or 'database:'"])
  }

  @Test func `YAML beyond the plain part is refused by name`() throws {
    let yaml = """
      database: &anchor
        url: *other
        max_conns: !!int 5
      ? [a, b]
      : 1
      ---
      log:
      """
    #expect(
      try Configuration(yaml: yaml).faults() == [
        "keel.yaml:1:11: anchors ('&') are not supported: write the value out; text that begins so needs quotes",
        "keel.yaml:2:8: aliases ('*') are not supported: write the value out; text that begins so needs quotes",
        "keel.yaml:3:14: tags ('!') are not supported: leave the tag out; text that begins so needs quotes",
        "keel.yaml:4:3: a key must be a word, found a list or a section",
        "keel.yaml:6:1: a second document starts here: put all settings into one",
      ])
  }

  @Test(arguments: [
    "database:\n  url: *hunter2", "database:\n  url: !hunter2", "database:\n  url: &hunter2",
    "database:\n  url: !<hunter2> x", "database: {url:postgres://u:hunter2@h/db}", "database: {'url hunter2': 1}",
  ])
  func `a secret that YAML takes for something else is not repeated`(yaml: String) throws {
    let faults = try Configuration(yaml: yaml).faults()
    #expect(faults.count == 1 && !faults[0].contains("hunter2"), "\(faults)")
  }

  @Test func `a key with its value stuck to it is told of the missing space`() throws {
    #expect(
      try Configuration(yaml: "database: {max_conns:5}").faults()
        == ["keel.yaml:1:12: this is no key, which is letters, digits and '_': a space is missing after the colon"])
  }

  @Test func `settings that share a flag are a fault of the program`() {
    let catalog = SettingsCatalog(
      "shop", Setting("shop.table", default: "a", flag: "table", "One."),
      Setting("shop.desk", default: "b", flag: "table", "Two."))
    let error = #expect(throws: ConfigurationError.self) { try Configuration().check(catalog) }
    #expect(error?.description == "'shop.table' and 'shop.desk' share the flag --table")
  }

  @Test(arguments: [
    ("database:\n\tmax_conns: 5\n", "keel.yaml:2:1: this is not YAML: ", "(indent with spaces, not tabs)"),
    ("log: {format: text\n", "keel.yaml:2:1: this is not YAML: ", "that starts on line 1"),
    ("log: \"text\n", "keel.yaml:2:1: this is not YAML: ", "that starts on line 1"),
    ("a: 1\n b: 2\n", "keel.yaml:2:3: this is not YAML: ", ""),
  ])
  func `malformed YAML is placed`(yaml: String, prefix: String, suffix: String) {
    let error = #expect(throws: ConfigurationError.self) { try Configuration(yaml: yaml) }
    #expect(error?.faults.map(\.code) == [.malformed])
    let text = error?.description ?? ""
    #expect(text.hasPrefix(prefix) && text.hasSuffix(suffix), "\(text)")
  }

  @Test func `deep nesting is refused`() {
    let yaml = String(repeating: "[", count: 5000)
    let error = #expect(throws: ConfigurationError.self) { try Configuration(yaml: yaml) }
    #expect(error?.description.contains("nested more than 32 levels deep") == true)
  }

  @Test func `a secret that cannot be read is not shown`() {
    let secretNumber = Setting<Secret<Int>>("pin", default: Secret(0), "A secret number.")
    let configuration = Configuration(environment: ["PIN": "hunter2"])
    let error = #expect(throws: ConfigurationError.self) { try configuration(secretNumber) }
    #expect(
      error?.description == "PIN: pin: expected a whole number (the value is secret and not shown)")
    let even = secretNumber.checked("must be even") { $0.reveal().isMultiple(of: 2) }
    let odd = #expect(throws: ConfigurationError.self) { try Configuration(environment: ["PIN": "4711"])(even) }
    #expect(odd?.description == "PIN: pin: the value must be even")
  }

  @Test func `what has to be set is a fault where nobody sets it, and is read from where somebody does`() throws {
    let token = Setting<Secret<String>>(required: "api.token", "Who may ask.")
    let mode = Setting<TestSettings.Parameters>(required: "api.mode", flag: "mode", "How.")
    let catalogs = [SettingsCatalog("api", token, mode)] + TestSettings.catalogs
    let empty = Configuration(environment: ["API_TOKEN": ""])
    try empty.check(catalogs)
    let error = #expect(throws: ConfigurationError.self) { try empty.checkIsComplete(catalogs) }
    #expect(error?.faults.map(\.code) == [.missing, .missing])
    #expect(
      error?.faults.map(\.description) == [
        "api.token has to be set: in the configuration file, by the variable API_TOKEN or the flag --api-token",
        "api.mode has to be set: in the configuration file, by the variable API_MODE or the flag --mode",
      ])
    let read = #expect(throws: ConfigurationError.self) { try empty(token) }
    #expect(read?.faults == error?.faults.prefix(1).map { $0 })

    let full = try Configuration(yaml: "api: { mode: none }", environment: ["API_TOKEN": "hunter2"])
    try full.checkIsComplete(catalogs)
    #expect(try full(token).reveal() == "hunter2" && full(mode) == .none)
  }

  @Test func `a variable that is spelled much like a setting's is told, unless that one is set`() {
    let configuration = Configuration(environment: [
      "DATABSE_URL": "postgres://u:hunter2@h/d", "database_max_cons": "3", "HOST_ORIGIN": "x", "HOME": "/", "URL": "x",
      "LOG_FORMATS": "json", "LOG_FORMAT": "json",
    ])
    let found = configuration.misspelledVariables(TestSettings.catalogs).map(\.description)
    #expect(
      found == [
        "the variable DATABSE_URL is no setting's; did you mean DATABASE_URL?",
        "the variable HOST_ORIGIN is no setting's; did you mean HOST_ORIGINS?",
        "the variable database_max_cons is no setting's; did you mean DATABASE_MAX_CONNS?",
      ])
  }

  @Test func `settings that contradict each other are the program's fault`() {
    let section = Setting("log", default: "", "Clashes with the section.")
    let twice = Setting("log.format", default: "", "Clashes with the other.")
    let variable = Setting("log_x.y", default: "", "Shares a variable.")
    let same = Setting("log.x_y", default: "", "Shares a variable.")
    let badPath = Setting("Log.Größe", default: "", "Not a path.")
    let catalog = SettingsCatalog("app", section, twice, variable, same, badPath)
    let error = #expect(throws: ConfigurationError.self) {
      try Configuration().check(TestSettings.catalogs + [catalog])
    }
    #expect(error?.faults.map(\.code) == Array(repeating: .declaration, count: 4))
    #expect(
      error?.faults.map(\.message) == [
        "the setting 'log.format' is declared by 'log' and by 'app'",
        "'log_x.y' and 'log.x_y' share the environment variable LOG_X_Y",
        "the path of a setting is lower-case words with dots between them, found 'Log.Größe'",
        "'log' is declared as a setting and as a section of settings",
      ])
  }
}
