import Testing

@testable import Host

@Suite struct DescriptorLimitTests {
  @Test(arguments: [(100, 36), (1024, 922), (1_048_576, 943_719), (64, 1), (3, 1), (UInt.max, .max)] as [(UInt, Int)])
  func `clients leave a tenth to the program, 64 at least`(count: UInt, clients: Int) {
    #expect(DescriptorLimit(count: count).clients == clients)
  }
}
