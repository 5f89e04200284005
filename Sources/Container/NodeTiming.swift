/// When things happened to a node, on the app's clock.
struct NodeTiming: Sendable {
  var buildBegan: Duration?
  var buildEnded: Duration?
  var startEnded: Duration?
  var stopBegan: Duration?
  var stopEnded: Duration?
}

/// When the app itself began and ended to start and to stop.
struct AppTiming: Sendable {
  var startBegan: Duration?
  var startEnded: Duration?
  var stopBegan: Duration?
  var stopEnded: Duration?
}
