import Foundation
import Testing

/// What the compiler says of mistakes that many make: it is asked, since a file that does not compile cannot stand here.
@Suite struct CompilerErrorTests {
  @Test func `a value bound to a protocol that it does not conform to is told so`() throws {
    let output = try Self.compile(
      """
      import Container
      protocol Users: Sendable {}
      struct PgUsers: Sendable {}
      struct UsersModule: Module {
        var body: [any ModuleElement] {
          Provide { PgUsers() }.as((any Users).self) { $0 }
        }
      }
      """)
    #expect(
      output.contains("error: 'as' is unavailable: the value is not of this type: let its type conform"), "\(output)")
    #expect(!output.contains("failed to produce diagnostic"))
  }

  @Test func `a value bound to a protocol that it conforms to compiles, in all ways to say so`() throws {
    let output = try Self.compile(
      """
      import Container
      protocol Users: Sendable {}
      struct PgUsers: Users {}
      struct UsersModule: Module {
        var body: [any ModuleElement] {
          Provide { PgUsers() }.as((any Users).self) { $0 }
          Provide(PgUsers.init).as((any Users).self) { users in users }.private()
          Provide(PgUsers.init).as(PgUsers.self) { $0 }
          Provide { "" }.as(Int.self) { $0.count }
        }
      }
      """)
    #expect(output == "")
  }

  /// What the compiler has to say of a file, against the modules that these tests are built with.
  private static func compile(_ source: String) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appending(path: "keel-compiler-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "Sample.swift")
    try source.write(to: file, atomically: true, encoding: .utf8)
    let bundle = try #require(CommandLine.arguments.first { $0.hasSuffix(".xctest") })
    let compiler = Process()
    compiler.executableURL = URL(filePath: "/usr/bin/env")
    compiler.arguments = [
      "swiftc", "-typecheck", "-parse-as-library", "-swift-version", "6", "-I",
      URL(filePath: bundle).deletingLastPathComponent().appending(path: "Modules").path, file.path,
    ]
    let output = Pipe()
    compiler.standardError = output
    try compiler.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    compiler.waitUntilExit()
    return text
  }
}
