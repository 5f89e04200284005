import Foundation
import Testing

@testable import EmbeddedPostgres

@Suite struct InstallationTests {
  /// A folder with programs that say they are of this version.
  private func withPrograms(_ version: String, _ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "keel-programs-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    // Written by a process of its own: a file that this one has open for writing may be inherited by a child that
    // another test starts just then, and cannot be run while that child lives.
    let script = """
      for program in postgres initdb psql; do
        printf '#!/bin/sh\\necho "%s (PostgreSQL) %s"\\n' "$program" "$2" > "$1/$program" && chmod 755 "$1/$program"
      done
      """
    _ = Tool.run(command: ["/bin/sh", "-c", script, "sh", folder.path, version])
    try body(folder.path)
  }

  @Test(arguments: [
    ("13.22", 13), ("14.19", 14), ("15.20 (Debian 15.20-0+deb12u1)", 15), ("16.10", 16), ("17.6 (Homebrew)", 17),
    ("18.0", 18), ("18beta1", 18),
  ])
  func `PostgreSQL 13 to 18 are found by what they say of themselves`(version: String, major: Int) throws {
    try withPrograms(version) { folder in
      let found = try PostgresInstallation.choose(binDirectory: folder, clusterMajor: nil, folder: "")
      #expect(found.major == major && found.binDirectory == folder)
      #expect(version.hasPrefix(found.version))
    }
  }

  @Test(arguments: ["12.22", "19devel"])
  func `older and newer ones are refused by name`(version: String) throws {
    try withPrograms(version) { folder in
      let error = #expect(throws: EmbeddedPostgresError.self) {
        try PostgresInstallation.choose(binDirectory: folder, clusterMajor: nil, folder: "")
      }
      #expect(error?.code == .binariesNotFound)
      #expect(error?.message.contains("version 13 to 18") == true && error?.message.contains(version) == true)
    }
  }

  @Test func `data of one version are not opened with another`() throws {
    try withPrograms("16.10") { folder in
      let error = #expect(throws: EmbeddedPostgresError.self) {
        try PostgresInstallation.choose(binDirectory: folder, clusterMajor: 15, folder: "/data")
      }
      #expect(error?.code == .versionMismatch)
    }
  }

  @Test func `a folder in which a program is missing is no installation`() throws {
    try withPrograms("15.1") { folder in
      try FileManager.default.removeItem(atPath: folder + "/psql")
      #expect(PostgresInstallation.inspect(folder) == nil)
    }
  }
}
