import Testing

@testable import Postgres

@Suite struct ChannelNameTests {
  @Test func `names are told apart by their bytes`() {
    #expect(ChannelName("a") == ChannelName("a"))
    #expect(ChannelName("a") != ChannelName("A"))
    #expect(ChannelName("caf\u{e9}") != ChannelName("cafe\u{301}"))
  }

  @Test(arguments: [
    (String(repeating: "a", count: 63), 63), (String(repeating: "a", count: 70), 63),
    (String(repeating: "ü", count: 40), 62), (String(repeating: "a", count: 61) + "🚲", 61), ("", 0),
  ])
  func `what is beyond 63 bytes is cut off, between characters`(name: String, length: Int) {
    let text = ChannelName(name).text
    #expect(text.utf8.count == length)
    #expect(name.utf8.starts(with: text.utf8))
  }
}
