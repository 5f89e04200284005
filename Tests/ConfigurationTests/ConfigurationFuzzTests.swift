import Testing

@testable import AppConfiguration

/// Whatever the bytes: a value or an error, and every fault has a place inside the text.
@Suite struct ConfigurationFuzzTests {
  private static let sample = Array(
    """
    database: &a
      url: "postgres://u:p@h/db" # comment
      max_conns: [1, {b: 'c'}]
      text: |
        folded
         more
    ? complex
    : - x
      - *a
    --- !!map
    log: { format: json, sampling: 0.5 }
    ...
    """.utf8)

  private func run(_ bytes: [UInt8]) {
    do {
      let file = try ConfigurationFile.parse(bytes, path: "f")
      expectPlaces(Configuration(file: file).checkFaults(), bytes)
    } catch {
      #expect(!error.faults.isEmpty)
      expectPlaces(error.faults, bytes)
    }
  }

  private func expectPlaces(_ faults: [ConfigurationFault], _ bytes: [UInt8]) {
    let lines = bytes.count { $0 == 10 || $0 == 13 || $0 == 0x85 || $0 == 0xA8 || $0 == 0xA9 } + 1
    for case .file(_, let line, let column) in faults.compactMap(\.source) {
      #expect((1...lines + 1).contains(line) && column >= 1)
    }
  }

  @Test func `random bytes give a value or an error`() {
    for _ in 0..<1500 {
      run((0..<Int.random(in: 0...80)).map { _ in UInt8.random(in: 0...255) })
    }
  }

  @Test func `random YAML signs give a value or an error`() {
    let signs = Array("abc01 \n\t:-?[]{},&*!|>'\"#%@`~\\\u{85}\u{2028}é".utf8)
    for _ in 0..<1500 {
      run((0..<Int.random(in: 0...60)).map { _ in signs[Int.random(in: 0..<signs.count)] })
    }
  }

  @Test func `mutated files give a value or an error`() {
    for _ in 0..<1500 {
      var bytes = Self.sample
      for _ in 0..<Int.random(in: 1...6) {
        let index = Int.random(in: 0..<bytes.count)
        switch Int.random(in: 0..<4) {
        case 0: bytes[index] = UInt8.random(in: 0...255)
        case 1: bytes.remove(at: index)
        case 2: bytes.insert(bytes[Int.random(in: 0..<bytes.count)], at: index)
        default: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 0...9)))
        }
        if bytes.isEmpty { bytes = [10] }
      }
      run(bytes)
    }
  }

  @Test func `random text as a value gives a value or an error`() {
    let signs = Array("0123456789.dhmsunµ-+:[]/ax, ")
    for _ in 0..<1500 {
      let text = String((0..<Int.random(in: 0...24)).map { _ in signs[Int.random(in: 0..<signs.count)] })
      if let duration = try? Duration.parse(.text(text)) {
        #expect((try? Duration.parse(.text(duration.settingText))) == duration)
      }
      if let address = try? ListenAddress(text) {
        #expect((try? ListenAddress(address.description)) == address)
      }
    }
  }
}

extension Configuration {
  fileprivate func checkFaults() -> [ConfigurationFault] {
    do {
      try check(TestSettings.catalogs)
      return []
    } catch {
      return error.faults
    }
  }
}
