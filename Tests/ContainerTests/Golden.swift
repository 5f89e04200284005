import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Compares a text with the file of that name under `Fixtures`. Lines of source files are put down as `:•`, so that a test can
/// move. With KEEL_RECORD_FIXTURES set, the file is written instead.
func expectGolden(
  _ text: String, _ name: String, file: String = #filePath, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
  let path = "\(folder)/Fixtures/\(name)"
  let stable = text.replacing(/\.swift:\d+/) { _ in ".swift:•" }.replacing(/"line": \d+/) { _ in "\"line\": 0" }
  if ProcessInfo.processInfo.environment["KEEL_RECORD_FIXTURES"] != nil {
    try stable.write(toFile: path, atomically: true, encoding: .utf8)
  }
  let expected = try String(contentsOfFile: path, encoding: .utf8)
  #expect(stable == expected, "differs from Fixtures/\(name)", sourceLocation: sourceLocation)
}
