extension CommandSpec {
  static let json = Flag(name: "json", value: nil, summary: "Print JSON, for programs.")
  static let format = Flag(
    name: "format", value: "FORMAT", summary: "Of the picture: dot (default), mermaid, json or html.",
    choices: GraphFormat.allCases.map(\.rawValue))
  static let check = Flag(name: "check", value: nil, summary: "Print what is wrong or unused, and no picture.")
  static let replicas = Flag(
    name: "replicas", value: "N", summary: "How many processes of this kind share the database. Default 1.")

  static let config = [
    CommandSpec(
      words: ["config", "show"], summary: "Print every setting with its value and where that comes from.",
      example: "config show --config /etc/keel.yaml", flags: [json, configFile]),
    CommandSpec(
      words: ["config", "check"], summary: "Read the configuration as serve would, and start nothing.",
      example: "config check --config /etc/keel.yaml", flags: [configFile]),
    CommandSpec(
      words: ["config", "example"], summary: "Print a configuration file with every setting at its default.",
      example: "config example", readsConfiguration: false),
    CommandSpec(
      words: ["config", "reference"], summary: "Print a table of all settings in Markdown.",
      example: "config reference", readsConfiguration: false),
  ]

  static let graph = CommandSpec(
    words: ["graph"], summary: "Print the app's modules and who needs whom, as a picture; starts nothing.",
    example: "graph --format html", flags: [format, check, configFile])

  static let doctor = CommandSpec(
    words: ["doctor"], summary: "Check configuration, graph and database, and say what to do; changes nothing.",
    example: "doctor --replicas 3", flags: [replicas, json, configFile], mainSettings: ["database.url"])

  static let completion = CommandSpec(
    words: ["completion"], argument: "SHELL",
    summary: "Print what makes the shell complete commands, flags and values: bash, zsh or fish.",
    example: "completion bash", readsConfiguration: false)

  /// What a completion script calls; nobody types it, so help does not list it.
  static let complete = CommandSpec(
    words: ["__complete"], argument: "WORDS", summary: "", example: "__complete -- serve --lis",
    readsConfiguration: false)
}
