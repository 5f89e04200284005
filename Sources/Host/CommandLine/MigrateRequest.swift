internal import Migrations

/// What `migrate` is asked to do with a database.
enum MigrateRequest: Sendable, Hashable {
  case migrate(MigrationGoal)
  case plan(MigrationGoal)
  case rehearse(MigrationGoal)
  case resume
  case force(Int64, set: String?)
  case baseline(Int64, set: String?)
  case version
  case status
  case verify

  /// What a command line asks for.
  ///
  /// - Throws: ``UsageError``.
  init(_ command: ParsedCommand) throws(UsageError) {
    let words = MigrateWords(
      name: command.spec.name, arguments: command.arguments, set: command.value(of: CommandSpec.set),
      all: command.has(CommandSpec.everything))
    switch command.spec.words[1] {
    case "plan":
      let goal = try Self.goalOfPlan(words)
      self = command.has(CommandSpec.rehearsal) ? .rehearse(goal) : .plan(goal)
    case "resume": self = .resume
    case "force": self = .force(try words.version("that the database has"), set: words.set)
    case "baseline": self = .baseline(try words.version("whose state the database has"), set: words.set)
    case "status": self = .status
    case "verify": self = .verify
    case "version": self = .version
    case let word:
      let goal = try Self.goal(word, words)
      self = command.has(CommandSpec.dryRun) ? .plan(goal) : .migrate(goal)
    }
  }

  private static func goalOfPlan(_ words: MigrateWords) throws(UsageError) -> MigrationGoal {
    guard let word = words.arguments.first else { return try goal(words.all ? "down" : "up", words) }
    let goals = ["up", "down", "to", "redo"]
    guard goals.contains(word) else {
      throw UsageError(
        description: "migrate plan wants one of \(goals.joined(separator: ", ")), not \(word.asArgument), as in "
          + "migrate plan down 2")
    }
    var rest = words
    rest.arguments.removeFirst()
    return try goal(word, rest)
  }

  private static func goal(_ word: String, _ words: MigrateWords) throws(UsageError) -> MigrationGoal {
    if words.all, word != "down" { throw UsageError(description: "--all is for down, not for \(word)") }
    if words.set != nil, word != "to" { throw UsageError(description: "--set is for to, not for \(word)") }
    switch word {
    case "down" where words.all:
      if let number = words.arguments.first {
        throw UsageError(description: "migrate down takes a number or --all, not both \(number.asArgument) and --all")
      }
      return .downAll
    case "down": return .down(count: Int(try words.number(atLeast: 1) ?? 1))
    case "to": return .to(try words.version("to go to"), set: words.set)
    case "redo":
      try words.refuseArguments()
      return .redo
    default: return .up(limit: try words.number(atLeast: 1).map { Int($0) })
    }
  }
}

/// What stands after the words of a `migrate` command.
private struct MigrateWords {
  let name: String
  var arguments: [String]
  let set: String?
  let all: Bool

  func number(atLeast minimum: Int64) throws(UsageError) -> Int64? {
    if arguments.count > 1 {
      throw UsageError(description: "\(name) takes one argument, but there is \(arguments[1].asArgument) too")
    }
    guard let text = arguments.first else { return nil }
    guard let number = Int64(text), number >= minimum else {
      // What golang-migrate calls a database without a version.
      let none = minimum == 0 && text == "-1" ? "; 0 is before the first migration" : ""
      throw UsageError(description: "\(name) wants a number from \(minimum) up, not \(text.asArgument)\(none)")
    }
    return number
  }

  func version(_ use: String) throws(UsageError) -> Int64 {
    guard let version = try number(atLeast: 0) else {
      throw UsageError(description: "\(name) wants the version \(use), such as \(name) 21")
    }
    return version
  }

  func refuseArguments() throws(UsageError) {
    guard let extra = arguments.first else { return }
    throw UsageError(description: "\(name) redo takes no argument, but there is \(extra.asArgument)")
  }
}
