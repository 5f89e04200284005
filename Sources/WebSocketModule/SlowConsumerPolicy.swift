/// What becomes of a client that takes its messages more slowly than they come, once its queue is full.
public enum SlowConsumerPolicy: String, Sendable, CaseIterable {
  /// It is closed with 1008. It may come back and ask for what it missed: nothing is lost in silence.
  case disconnect
  /// The oldest waiting messages make room. For messages that supersede each other, such as positions and prices.
  case dropOldest = "drop_oldest"
  /// The new message is not queued.
  case dropNewest = "drop_newest"
}
