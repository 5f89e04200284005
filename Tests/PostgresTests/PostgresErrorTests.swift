import Testing

@testable import Postgres

@Suite struct PostgresErrorTests {
  @Test(arguments: [
    "invalid input syntax for type integer: \"hun\"secret\"", "ungültige Eingabesyntax für Typ integer: »secret«",
    "syntaxe en entrée invalide pour le type integer : « secret »", "整数型の入力構文が不正です: 「secret」",
    "неверный синтаксис для типа integer: \"secret\"",
  ])
  func `what the server quotes of a value is left out, in each of its languages`(message: String) {
    let error = PostgresError(server: ServerMessage(severity: "ERROR", sqlState: "22P02", message: message))
    #expect(!error.description.contains("secret"))
    #expect(error.debugDescription.contains("secret"))
  }

  @Test func `a time-out is told in a unit that reads well`() {
    let error = ConnectionRequest.Abort.timedOut(.nanoseconds(49_987_857)).error
    #expect("\(error)" == "no answer within 50ms; the statement was cancelled")
  }
}
