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

/// A point in time, or none: kept as the clock gives it, for to divide it down to fewer bytes costs more than to store them.
struct Moment: Sendable {
  private static var none: Duration { Duration(attoseconds: .min) }
  private var value = Moment.none

  init() {}

  init(_ time: Duration) {
    value = time
  }

  var time: Duration? { value == Moment.none ? nil : value }
}
