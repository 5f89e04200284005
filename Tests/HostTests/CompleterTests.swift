import AppConfiguration
import Testing

@testable import Host

@Suite struct CompleterTests {
  private let completer = Completer(catalogs: [HostSettings.catalog, LogSettings.catalog])

  private func words(_ typed: String...) -> [String] {
    guard case .words(let candidates) = completer.complete(typed) else { return [] }
    return candidates.map(\.word)
  }

  @Test func `the first word is a command, the second one of its family`() {
    #expect(words("") == ["serve", "migrate", "config", "graph", "doctor", "completion", "version", "help"])
    #expect(words("m") == ["migrate"])
    #expect(words("config", "") == ["show", "check", "example", "reference"])
    #expect(words("config", "e") == ["example"])
    #expect(words("nonsense", "").isEmpty)
  }

  @Test func `a dash asks for the command's flags and the settings`() {
    #expect(words("serve", "--lis") == ["--listen"])
    #expect(words("graph", "--fo") == ["--format"])
    #expect(words("serve", "--log").contains("--log-level"))
    #expect(words("version", "--l").isEmpty)
    #expect(words("migrate", "up", "--di") == ["--dir"])
  }

  @Test func `a flag asks for its values, in the next word or the same`() {
    #expect(words("graph", "--format", "") == ["dot", "mermaid", "json", "html"])
    #expect(words("serve", "--log-format", "j") == ["json"])
    #expect(words("serve", "--log-format=j") == ["--log-format=json"])
    #expect(words("serve", "--host-preset", "k") == ["kubernetes"])
    #expect(words("serve", "--log-level", "debug", "--log-f") == ["--log-format"])
    #expect(completer.complete(["serve", "--config", ""]) == .files)
    #expect(completer.complete(["migrate", "up", "--dir", ""]) == .folders)
  }

  @Test func `help completes commands, completion shells`() {
    #expect(words("help", "migrate", "fo") == ["force"])
    #expect(words("completion", "") == ["bash", "zsh", "fish"])
  }

  @Test func `scripts read a line a candidate, with its summary after a tab`() {
    let answer = Completer.Answer.words([.init(word: "a", summary: "b c"), .init(word: "d", summary: "")])
    #expect(CompletionScript.lines(answer) == "a\tb c\nd")
    #expect(CompletionScript.lines(.files) == ":files")
    #expect(CompletionScript.script(for: "tcsh", program: "app") == nil)
    #expect(
      CompletionScript.script(for: "bash", program: "my-app")?.contains("complete -F _my_app_complete my-app") == true)
  }
}
