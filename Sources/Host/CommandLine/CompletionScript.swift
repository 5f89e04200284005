/// What makes a shell ask the program for completions.
enum CompletionScript {
  static let shells = ["bash", "zsh", "fish"]

  /// The script for a shell; nil for one that is not known.
  static func script(for shell: String, program: String) -> String? {
    switch shell {
    case "bash": bash(program)
    case "zsh": zsh(program)
    case "fish": fish(program)
    default: nil
    }
  }

  /// What the scripts read: a line a candidate, a tab before its summary; `:files` or `:folders` alone.
  static func lines(_ answer: Completer.Answer) -> String {
    switch answer {
    case .files: ":files"
    case .folders: ":folders"
    case .words(let words):
      words.map { $0.summary.isEmpty ? $0.word : "\($0.word)\t\($0.summary)" }
        .joined(separator: "\n")
    }
  }

  /// A name that can stand in the name of a function.
  private static func identifier(_ program: String) -> String {
    String(program.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
  }

  private static func bash(_ program: String) -> String {
    let name = identifier(program)
    return """
      # Completion of \(program) for bash. For this shell:  source <(\(program) completion bash)
      # For good:  \(program) completion bash > ~/.local/share/bash-completion/completions/\(program)
      _\(name)_complete() {
        local current=${COMP_LINE:0:COMP_POINT} words=() line answer
        read -r -a words <<<"$current"
        [[ $current == *[[:space:]] ]] && words+=("")
        answer=$("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
        # Bash replaces what follows the last = or :, which are word breaks to it.
        local typed=${words[${#words[@]} - 1]} prefix=""
        case $typed in *=*) prefix=${typed%=*}= ;; esac
        COMPREPLY=()
        case $answer in
          :files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "${typed#"$prefix"}"); return ;;
          :folders) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "${typed#"$prefix"}"); return ;;
        esac
        while IFS= read -r line; do
          line=${line%%$'\\t'*}
          [ -z "$line" ] || COMPREPLY+=("${line#"$prefix"}")
        done <<<"$answer"
      }
      complete -F _\(name)_complete \(program)
      """
  }

  private static func zsh(_ program: String) -> String {
    let name = identifier(program)
    return """
      #compdef \(program)
      # Completion of \(program) for zsh. For this shell:  source <(\(program) completion zsh)
      # For good:  \(program) completion zsh > "${fpath[1]}/_\(program)"
      _\(name)() {
        local -a candidates
        local line answer
        answer=$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
        case $answer in
          :files) _files; return ;;
          :folders) _files -/; return ;;
        esac
        for line in "${(@f)answer}"; do
          [[ -z $line ]] && continue
          # A colon in the word would end it.
          candidates+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}")
        done
        _describe '\(program)' candidates
      }
      if [ "$funcstack[1]" = "_\(name)" ]; then _\(name) "$@"; else compdef _\(name) \(program); fi
      """
  }

  private static func fish(_ program: String) -> String {
    let name = identifier(program)
    return """
      # Completion of \(program) for fish. For this shell:  \(program) completion fish | source
      # For good:  \(program) completion fish > ~/.config/fish/completions/\(program).fish
      function __\(name)_complete
        set -l words (commandline -opc) (commandline -ct)
        set -l answer ($words[1] __complete -- $words[2..-1] 2>/dev/null)
        switch "$answer"
          case :files
            __fish_complete_path (commandline -ct)
          case :folders
            __fish_complete_directories (commandline -ct)
          case '*'
            printf '%s\\n' $answer
        end
      end
      complete -c \(program) -f -a '(__\(name)_complete)'
      """
  }
}
