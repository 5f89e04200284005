/// How long the private server stays down before it is started again: not at all when it ends for the first time, and
/// then ever longer while it ends, or fails to start, soon after each start.
struct RestartPauses {
  private static let shortest = Duration.seconds(1)
  private static let longest = Duration.seconds(60)
  private var pause = Duration.zero

  /// The pause before the next start. A run that was longer than any pause begins the story anew.
  mutating func next(afterRunOf run: Duration) -> Duration {
    if run > Self.longest { pause = .zero }
    defer { pause = min(max(pause * 2, Self.shortest), Self.longest) }
    return pause
  }
}
