import FoundationEssentials
import Glibc
import Migrations
import Synchronization
import Testing

@testable import Host

/// What `migrate` shows to people.
@Suite struct MigrateTextTests {
  private let colored = TerminalStyle(isColored: true)
  private let plain = TerminalStyle(isColored: false)

  private func step(_ version: Int64, inTransaction: Bool = true) -> MigrationStep {
    MigrationStep(
      direction: .up, set: "main", version: version, title: "users",
      script: .init(file: "1_users.up.sql", text: "SELECT 1;\n\n", inTransaction: inTransaction))
  }

  @Test func `colours do not move the columns of a table, and their absence leaves no trace`() {
    let rows = [["STATE", "BY"], ["applied", "ada"]]
    let text = TextTable.aligned(rows, margin: "") { row, column, cell in
      row == 1 && column == 0 ? colored(cell, .green) : cell
    }
    #expect(text == "STATE    BY\n\u{1B}[32mapplied\u{1B}[0m  ada")
    #expect(TextTable.aligned(rows, margin: "") { plain($2, .green) } == "STATE    BY\napplied  ada")
    #expect(TextTable.aligned([[], ["a"]], margin: "") == "\na")
  }

  @Test(arguments: [
    ("ab", 2), ("日本語", 6), ("한글", 4), ("ｶﾅ", 2), ("ＡＢ", 4), ("é", 1), ("e\u{301}", 1), ("🚀", 2),
    ("🇯🇵", 2), ("", 0), ("𠮷", 2), ("\u{200B}", 0), ("(。)", 4), ("ทำ", 2), ("का", 2),
    ("\u{1112}\u{1161}\u{11AB}", 2), ("👩\u{200D}🚀", 2), ("a\u{AD}b", 3),
  ])
  func `a cell is as wide as a terminal shows it`(text: String, columns: Int) {
    #expect(TextTable.width(of: text) == columns)
  }

  @Test func `wide characters do not move the columns of a table`() {
    let text = TextTable.aligned([["日本語", "pending"], ["users", "applied"]], margin: "")
    #expect(text == "日本語  pending\nusers   applied")
  }

  @Test func `locks are called as PostgreSQL's documentation does, and one that shuts readers out is a warning`() {
    let tried = RehearsedStep(
      step: step(1),
      locks: [
        .init(relation: "public.a", mode: "AccessExclusiveLock", rows: 7),
        .init(relation: "public.b", mode: "ShareRowExclusiveLock", rows: 7),
      ], duration: .milliseconds(4))
    let left = RehearsedStep(step: step(2, inTransaction: false), omission: .outsideTransaction)
    let after = RehearsedStep(step: step(3), omission: .behindOmitted)
    #expect(
      PlanText.locks([tried, left, after], plain) == """
        up 1 users: 4 ms
          ACCESS EXCLUSIVE on public.a (about 7 rows): WARNING, nobody can read the table until the migration has ended
          SHARE ROW EXCLUSIVE on public.b (about 7 rows)
        up 2 users: not tried, it runs outside a transaction
        up 3 users: not tried, it comes after one that was not tried

        1 of 3 tried and rolled back; nothing is changed
        """)
  }

  @Test func `a run that a signal ends says what became of the migration under way, if the server has said it`() {
    func told(_ underWay: MigrationStep, by signal: Int32 = SIGTERM, givenUp: String? = nil) -> String {
      let interruption = MigrationInterruption(
        signal: signal, request: .migrate(.up(limit: nil)),
        course: MigrationCourse.State(underWay: underWay, completed: [step(1)]), givenUp: givenUp)
      return "\(interruption.exitCode.rawValue) \(interruption)"
    }
    let stands = "up 1 users was carried out, and stands."
    #expect(
      told(step(2)) == """
        143 ended by SIGTERM: up 2 users was rolled back
        \(stands)
        To go on, run the same command again.
        """)
    let unknown = "up 2 users was given up"
    #expect(told(step(2), givenUp: unknown) == "143 ended by SIGTERM: \(unknown)\n\(stands)")
    #expect(
      told(step(2, inTransaction: false), by: SIGINT, givenUp: unknown) == "130 ended by SIGINT: \(unknown)\n\(stands)")
  }

  @Test func `a run shows a line for each migration, the clock of a long one, and who stands in its way`() async throws
  {
    let lines = Mutex<[String]>([])
    let live = Mutex<[String]>([])
    let console = Console(
      output: { _ in }, errors: { text in lines.withLock { $0.append(text) } },
      liveLine: { text in live.withLock { $0.append(text) } })
    let progress = try #require(MigrationProgress(console))
    // Which second it shows depends on when the clock is looked at.
    @Sendable func isShown() -> Bool {
      live.withLock { lines in
        lines.contains { $0.hasPrefix("2/3  up 7 users  ") && $0.hasSuffix(" s, 1 of 4 statements") }
      }
    }
    try await progress.show {
      progress.observe(.started(step(7), index: 2, count: 3))
      progress.observe(.statementDone(step(7), done: 1, count: 4))
      let deadline = ContinuousClock.now.advanced(by: .seconds(60))
      while !isShown(), ContinuousClock.now < deadline {
        try await Task.sleep(for: .milliseconds(20))
      }
      progress.observe(
        .blocked(
          step(7),
          by: [
            LockHolder(
              processID: 42, application: "psql", user: "ada", client: nil, age: .seconds(9),
              query: "SELECT * FROM t WHERE name = 'secret'")
          ]))
      progress.observe(.finished(step(7), duration: .milliseconds(1500)))
    }
    #expect(isShown())
    #expect(live.withLock { $0.last } == "")
    #expect(
      lines.withLock { $0 } == [
        "  waits for process 42 (psql), role ada, since 9 s: SELECT * FROM t WHERE name = ?",
        "2/3  up 7 users  1500 ms",
      ])
  }

  @Test func `where nobody watches there is no progress to show`() {
    #expect(MigrationProgress(Console(output: { _ in }, errors: { _ in })) == nil)
  }
}
