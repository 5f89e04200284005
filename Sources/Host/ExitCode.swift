/// How the process ends.
enum ExitCode: Int32 {
  /// All is well.
  case success = 0
  /// Something failed; a message on standard error says what.
  case failure = 1
  /// `migrate status` found migrations that are not applied yet.
  case pending = 2
  /// Files, record and database differ, or a migration stopped half way.
  case findings = 3
  /// The command line was not understood (`EX_USAGE` of sysexits.h).
  case usage = 64
  /// SIGINT ended it, and what was under way was undone first, if it could be.
  case interrupted = 130
  /// SIGTERM ended it, and what was under way was undone first, if it could be.
  case terminated = 143
}
