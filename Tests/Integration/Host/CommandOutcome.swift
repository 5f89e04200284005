import Synchronization

@testable import Host

/// What a command of an app returned and printed, run in this process.
struct CommandOutcome {
  let code: ExitCode
  let output: String
  let errors: String

  /// - Parameter answer: What somebody at a terminal says to every question; nil where nobody is there.
  init<App: HostApplication>(of app: App.Type, _ words: [String], answer: String? = nil) async {
    let output = Mutex("")
    let errors = Mutex("")
    let console = Console(
      output: { text in output.withLock { $0 += text + "\n" } },
      errors: { text in errors.withLock { $0 += text + "\n" } },
      answer: answer.map { answer in { @Sendable in answer } })
    code = await Commands(app, console: console).run(words)
    self.output = output.withLock { $0 }
    self.errors = errors.withLock { $0 }
  }
}
