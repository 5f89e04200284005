internal import MigrationFiles

/// What statements of a script have set for those behind them. Of one setting the last: what came before may not be possible
/// any more, as the role that was dropped since.
struct ScriptSettings {
  private var settings: [(name: String?, statement: SQLStatement)] = []

  /// What sets it all anew, in order.
  var statements: [SQLStatement] { settings.map(\.statement) }

  /// Takes in what a part of the script sets.
  mutating func note(_ unit: MigrationScriptParts.Unit) {
    for statement in unit.statements { note(statement) }
  }

  private mutating func note(_ statement: SQLStatement) {
    var words = statement.words.dropFirst()
    if words.first == "SESSION", words.dropFirst().first != "AUTHORIZATION" { words = words.dropFirst() }
    switch statement.words.first {
    case "SET":
      guard let name = words.first, !["LOCAL", "TRANSACTION", "CONSTRAINTS"].contains(name) else { return }
      settings.removeAll { $0.name == name }
      settings.append((name, statement))
    case "RESET":
      // All but who we are.
      let isAll = words.first == "ALL"
      settings.removeAll { isAll ? $0.name != "ROLE" && $0.name != "SESSION" : $0.name == words.first }
      settings.append((words.first, statement))
    case "SELECT" where statement.text.lowercased().contains("set_config"): settings.append((nil, statement))
    default: break
    }
  }
}
