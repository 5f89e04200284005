import Foundation
import Testing

/// Every Swift block of the README, of `docs/` and of the DocC pages stands in a file that is compiled: in `Samples/`, or
/// in an example. Compared paragraph by paragraph, without indentation and trailing comments, because a block may hold
/// declarations and statements, which a file holds in different places.
@Suite struct CodeBlockTests {
  @Test func `every Swift block in the documentation is compiled`() throws {
    let compiled = try (Self.files("Tests/DocumentationTests/Samples", ".swift") + Self.files("Examples", ".swift"))
      .map { Self.normalized(try String(contentsOf: $0, encoding: .utf8)).filter { !$0.isEmpty } }
    let pages = try Self.pages()
    #expect(pages.count > 10)
    for page in pages {
      for block in Self.swiftBlocks(try String(contentsOf: page, encoding: .utf8)) where !Self.isOutOfReach(block) {
        for paragraph in Self.normalized(block).split(separator: "") where !paragraph.isEmpty {
          #expect(
            compiled.contains { $0.contains(paragraph) },
            "\(page.path): not in Tests/DocumentationTests/Samples:\n\(paragraph.joined(separator: "\n"))")
        }
      }
    }
  }

  @Test func `a block that nobody compiles is found`() {
    let blocks = Self.swiftBlocks("a\n```swift\nlet a = 1  // one\n\n  let b = 2\n```\n```sh\nls\n```\n")
    #expect(blocks == ["let a = 1  // one\n\n  let b = 2"])
    #expect(Self.normalized(blocks[0]).split(separator: "") == [["let a = 1"], ["let b = 2"]])
    #expect(!["let b = 20"].contains(["let b = 2"]))
  }

  /// A manifest, which scripts/check-example builds with, and what imports a package that is not in this one's reach.
  private static func isOutOfReach(_ block: String) -> Bool {
    block.hasPrefix(".package(") || block.hasPrefix(".target(") || block.hasPrefix("// swift-tools-version")
      || block.contains("import CoreMetrics")
  }

  private static let root = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
    .deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func pages() throws -> [URL] {
    let top = try FileManager.default.contentsOfDirectory(at: root, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "md" }
    return try ["docs", "Sources", "Examples", "migrations", "deploy"].reduce(into: top) { $0 += try files($1, ".md") }
  }

  private static func files(_ folder: String, _ ending: String) throws -> [URL] {
    let walk = FileManager.default.enumerator(at: root.appending(path: folder), includingPropertiesForKeys: nil)
    return (walk?.compactMap { $0 as? URL } ?? [])
      .filter { $0.path.hasSuffix(ending) && !$0.path.contains("/.build/") }
  }

  private static func swiftBlocks(_ page: String) -> [String] {
    page.components(separatedBy: "```swift\n").dropFirst().map { rest in
      String(rest.components(separatedBy: "\n```")[0])
    }
  }

  /// Lines without indentation, trailing comments and `@main`, which cannot stand in a bundle of tests.
  private static func normalized(_ code: String) -> [String] {
    code.components(separatedBy: "\n").map { line in
      var line = line.trimmingCharacters(in: .whitespaces)
      if let comment = line.range(of: "  //") { line = String(line[..<comment.lowerBound]) }
      if line.hasPrefix("@main ") { line.removeFirst("@main ".count) }
      return line.trimmingCharacters(in: .whitespaces)
    }
  }
}
