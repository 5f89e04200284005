/// What happens in an app, as data: for logs, metrics and tests.
///
/// Events are handed to observers on the task in which they happen, in order for any one value. Who waits for the start or the
/// stop of the app goes on once they know of it. Nothing is made up for an app without observers.
public enum ContainerEvent: Sendable {
  /// The app went from one state to the next.
  case stateChanged(AppState)
  /// A module declared something. Sent for every element when the start begins.
  case provided(Origin)
  /// A constructor (or `Invoke`, or decorator) has been called and has returned.
  case built(Origin, Duration)
  /// A constructor (or `Invoke`, or decorator) has thrown.
  case buildFailed(Origin, Duration, any Error)
  /// The start half of a hook begins, which has that long.
  case starting(Origin, hook: String?, budget: Duration)
  /// The start half of a hook has ended well.
  case started(Origin, hook: String?, Duration)
  /// The start half of a hook has thrown.
  case startFailed(Origin, hook: String?, Duration, any Error)
  /// A `Run` has returned by itself.
  case runFinished(Origin)
  /// A `Run` has thrown; it is called again after a pause, or not at all.
  case runFailed(Origin, any Error, restartAfter: Duration?)
  /// Hooks, constructors and, in a stop, scopes that take long, sent every ``App/Options/stragglerInterval``.
  case stragglers([Straggler])
  /// A constructor, a hook or the body of a scope has returned after its time was up and the app had gone on without it.
  case cameLate(Origin)
  /// The stop has waited for open scopes, so long; it goes on without those that are left behind.
  case scopesEnded(Duration, leftBehind: Int)
  /// The start has failed; everything that had started is being stopped.
  case rollingBack(ContainerError)
  /// Someone asked the app to stop.
  case stopRequested(StopReason)
  /// The stop half of a hook begins, or a `Run` is asked to end, which has that long.
  case stopping(Origin, hook: String?, budget: Duration)
  /// The stop half of a hook has ended well.
  case stopped(Origin, hook: String?, Duration)
  /// The stop half of a hook has thrown.
  case stopFailed(Origin, hook: String?, Duration, any Error)
}
