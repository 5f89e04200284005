/// What a server writes about itself into `postmaster.pid`.
struct ProcessFile {
  let processID: Int32
  let socketDirectory: String?
  /// The number in the socket's name.
  let port: Int?
  /// The key and the number of its block of shared memory.
  let sharedMemory: (key: Int32, id: Int32)?
  /// True when connections are accepted.
  let isReady: Bool

  init?(_ text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let first = lines.first, let processID = Int32(first) else { return nil }
    self.processID = processID
    socketDirectory = lines.count > 4 && !lines[4].isEmpty ? String(lines[4]) : nil
    port = lines.count > 3 ? Int(lines[3]) : nil
    let numbers = lines.count > 6 ? lines[6].split(separator: " ").compactMap { UInt64($0) } : []
    sharedMemory =
      numbers.count == 2 ? (Int32(truncatingIfNeeded: numbers[0]), Int32(truncatingIfNeeded: numbers[1])) : nil
    isReady = lines.count > 7 && lines[7].hasPrefix("ready")
  }

  static func read(_ folder: ServerFolder) -> ProcessFile? {
    FileSystem.contents(folder.processFile).flatMap(ProcessFile.init)
  }
}
