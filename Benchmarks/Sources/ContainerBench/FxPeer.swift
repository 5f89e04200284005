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

  func measure(_ shape: String, _ count: Int) throws -> Times {
    let process = Process()
    process.executableURL = program
    process.arguments = [shape, "\(count)", "\(Self.turn / .seconds(1))"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    guard process.terminationStatus == 0, numbers.count == 2 else { throw CocoaError(.executableRuntimeMismatch) }
    return Times(
      median: .microseconds(numbers[0] * 1000), best: .microseconds(numbers[1] * 1000), processor: .zero)
  }
}
