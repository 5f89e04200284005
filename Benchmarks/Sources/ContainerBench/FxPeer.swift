import Foundation

/// The program that does with fx what is measured here.
struct FxPeer {
  /// How long each is measured at a time.
  static let turn = Duration.milliseconds(500)

  private let program: URL

  init?() {
    program = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: ".build/peers/fx")
    guard FileManager.default.isExecutableFile(atPath: program.path) else { return nil }
  }

  struct Failure: Error, CustomStringConvertible { let description: String }

  /// - Returns: The times, and which versions of fx and Go they are of.
  func measure(_ shape: String, _ count: Int) throws -> (Times, versions: String) {
    let process = Process()
    process.executableURL = program
    process.arguments = [shape, "\(count)", "\(Self.turn / .seconds(1))"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let words = text.split(whereSeparator: \.isWhitespace)
    guard process.terminationStatus == 0, words.count == 4, let median = Double(words[0]), let best = Double(words[1])
    else { throw Failure(description: "the peer has no app of \(count) providers in the shape \(shape): \(text)") }
    return (
      Times(median: .microseconds(median * 1000), best: .microseconds(best * 1000), processor: .zero),
      "fx \(words[2]), \(words[3])"
    )
  }
}
