import Testing

@testable import Migrations

@Suite struct ChecksumTests {
  private func checksum(_ text: String) -> String {
    Migration.Script(file: "1_a.up.sql", text: text).checksum
  }

  @Test(arguments: [
    (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (3, "9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0"),
    (55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
    (56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"),
    (64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
    (1000, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"),
  ])
  func `SHA-256 of a row of the letter a`(count: Int, digest: String) {
    #expect(SHA256.hexadecimal(Array(repeating: UInt8(ascii: "a"), count: count)) == digest)
  }

  @Test(arguments: [
    "a\r\nb\r\n", "\u{FEFF}a\nb", "a \t\nb   ", "a\nb\n\n\n", "a \r\nb \r\n \r\n",
  ])
  func `what editors do to line ends and blanks does not count`(text: String) {
    #expect(checksum(text) == checksum("a\nb\n"))
  }

  @Test(arguments: ["a\n\nb", " a\nb", "a b", "a\nB", "a\n\tb", "a\nb -- c"])
  func `everything else counts`(text: String) {
    #expect(checksum(text) != checksum("a\nb\n"))
  }
}

@Suite struct LockKeyTests {
  @Test func `CRC-32 is that of zip`() {
    #expect(LockKey.crc32("123456789".utf8) == 0xCBF4_3926)
    #expect(LockKey.crc32("".utf8) == 0)
  }

  @Test func `both names that golang-migrate has for a database are locked, always in the same order`() {
    let keys = LockKey.keys(database: "app", schema: "public", table: "schema_migrations")
    // As golang-migrate computes them for "public\0schema_migrations\0app" and "…\0/app".
    #expect(keys.map(\.value) == [1_726_534_663, 1_787_120_056])
  }
}
