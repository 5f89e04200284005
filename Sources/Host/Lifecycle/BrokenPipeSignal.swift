internal import Glibc

/// SIGPIPE, which by default ends the process.
enum BrokenPipeSignal {
  /// Has it do nothing, whoever sends it: a write to what nobody reads fails with EPIPE, and that is seen to where it is written.
  ///
  /// A handler and not SIG_IGN, which the programs would inherit that this one starts.
  static func disregard() {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in }
    action.sa_flags = Int32(SA_RESTART)
    sigaction(SIGPIPE, &action, nil)
  }
}
