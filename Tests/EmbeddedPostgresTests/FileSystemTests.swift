import Testing

@testable import EmbeddedPostgres

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite struct FileSystemTests {
  /// More than are read at once. What is read past the end of an entry shows with the address sanitizer only.
  @Test func `a folder of many names of all lengths is told whole`() async throws {
    try await TestFolder.with { folder in
      let names = (0..<2000).map { "\($0 + 1000)" + String(repeating: "x", count: $0 % 252) }.sorted()
      for name in names { close(open(folder(name), O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)) }
      #expect(FileSystem.entries(folder.path) == names)
    }
  }
}
