import Testing

@testable import Host

@Suite struct DoctorTests {
  @Test func `pools that fit are fine, with the sum`() {
    let finding = DatabaseDoctor.weigh(size: 5, replicas: 3, most: 100, reserved: 3, 10)
    #expect(finding.grade == .ok)
    #expect(finding.text.hasPrefix("5 connections × 3 processes + 1 to migrate = 16 of 97"))
  }

  @Test func `pools that fit no more beside others are a warning with the size that would`() {
    let finding = DatabaseDoctor.weigh(size: 9, replicas: 10, most: 100, reserved: 3, 20)
    #expect(finding.grade == .warning && finding.remedy?.contains("max_conns to 7 ") == true)
  }

  @Test func `pools larger than the server are a failure with the size that fits`() {
    let finding = DatabaseDoctor.weigh(size: 20, replicas: 10, most: 100, reserved: 3, 0)
    #expect(finding.grade == .failure && finding.remedy?.contains("max_conns to 9 ") == true)
  }
}
