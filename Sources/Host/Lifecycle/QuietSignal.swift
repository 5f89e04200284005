internal import Glibc

/// Signals that by default end the process, and are to do nothing.
enum QuietSignal {
  /// Has a signal do nothing, whoever sends it. After SIGPIPE a write to what nobody reads fails with EPIPE, and that is seen to
  /// where it is written.
  ///
  /// A handler and not SIG_IGN, which the programs would inherit that this one starts.
  static func disregard(_ signal: Int32) {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in }
    action.sa_flags = Int32(SA_RESTART)
    sigaction(signal, &action, nil)
  }
}
