/// A user came or went.
public enum PresenceEvent: Sendable, Hashable {
  /// The user's first connection is there.
  case online(String)
  /// The user's last connection is gone.
  case offline(String)
}
