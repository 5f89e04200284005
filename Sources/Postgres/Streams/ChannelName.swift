/// A channel of `NOTIFY` as the server tells it from others: by its bytes. Two strings that are equal to Swift may be two
/// channels.
struct ChannelName: Hashable, Sendable {
  /// The server cuts off what is beyond.
  private static let maxLength = 63

  private let bytes: [UInt8]

  init(_ name: String) {
    var bytes = Array(name.utf8)
    if bytes.count > Self.maxLength {
      // Not within a character.
      let end = (0...Self.maxLength).last { !UTF8.isContinuation(bytes[$0]) } ?? 0
      bytes.removeSubrange(end...)
    }
    self.bytes = bytes
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }
}
