/// When things happened to a node, on the app's clock.
struct NodeTiming: Sendable {
  var buildBegan = Moment()
  var buildEnded = Moment()
  var startEnded = Moment()
  var stopBegan = Moment()
  var stopEnded = Moment()
}

/// When the app itself began and ended to start and to stop.
struct AppTiming: Sendable {
  var startBegan = Moment()
  var startEnded = Moment()
  var stopBegan = Moment()
  var stopEnded = Moment()
}

/// A point in time, or none, in eight bytes: there are several for every node.
struct Moment: Sendable {
  private var nanoseconds = Int64.min

  init() {}

  init(_ time: Duration) {
    let (seconds, attoseconds) = time.components
    nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }

  var time: Duration? { nanoseconds == .min ? nil : .nanoseconds(nanoseconds) }
}
