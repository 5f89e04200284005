#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What a holder of this folder that was killed may have left: a server still going down, its files.
///
/// Only for the holder of the ``FolderLock``: nobody else runs a server here, so whatever runs is an orphan.
struct Leftovers {
  let folder: ServerFolder

  /// Whether any process of an orphaned server is there.
  var isServerRunning: Bool { !servers().isEmpty }

  /// Ends every process of an orphaned server and removes its traces. False when one would not go in time.
  func clear(until deadline: Deadline) -> Bool {
    let file = ProcessFile.read(folder)
    if !endProcesses(postmaster: file?.processID, until: deadline) { return false }

    if let file { SharedMemory.remove(notedIn: file) }
    // The process id may since be a stranger's, which PostgreSQL would take for a running server. Where it is nobody's,
    // PostgreSQL tidies up itself.
    if let file, kill(file.processID, 0) == 0 || errno == EPERM { unlink(folder.processFile) }
    for name in FileSystem.entries(folder.path) where name.hasPrefix(".s.PGSQL.") { unlink("\(folder.path)/\(name)") }
    if let socket = file?.socketDirectory { SocketFolder.removeTemporary(socket) }
    if let socket = FileSystem.linkTarget(folder.socketNote) {
      SocketFolder.removeTemporary(socket)
      unlink(folder.socketNote)
    }
    return true
  }

  /// Asks first, then insists.
  private func endProcesses(postmaster: pid_t?, until deadline: Deadline) -> Bool {
    for (signal, patience) in [(SIGINT, Duration.seconds(10)), (SIGQUIT, .seconds(5)), (SIGKILL, .seconds(5))] {
      let processes = servers()
      if processes.isEmpty { return true }
      if let postmaster, processes.contains(postmaster) {
        _ = kill(postmaster, signal)
      } else {
        // Backends whose postmaster is dead: they end by themselves when they notice, and SIGQUIT makes them.
        for process in processes { _ = kill(process, signal == SIGKILL ? SIGKILL : SIGQUIT) }
      }
      let step = Deadline.after(patience)
      while !servers().isEmpty && !step.hasPassed && !deadline.hasPassed { _ = poll(nil, 0, 10) }
    }
    return servers().isEmpty
  }

  /// PostgreSQL processes at work in this cluster: their working directory is its folder.
  private func servers() -> [pid_t] {
    #if os(Linux)
      guard let data = FileSystem.realPath(folder.data) else { return [] }
      return FileSystem.entries("/proc").compactMap { pid_t($0) }.filter { process in
        guard FileSystem.linkTarget("/proc/\(process)/cwd") == data else { return false }
        // An upgrade of the package leaves running programs without a file.
        let program = FileSystem.linkTarget("/proc/\(process)/exe") ?? ""
        return program.hasSuffix("/postgres") || program.hasSuffix("/postgres (deleted)")
      }
    #else
      // Without /proc only the postmaster is known, by the file it keeps.
      return ProcessFile.read(folder).map { [$0.processID] }?.filter { kill($0, 0) == 0 } ?? []
    #endif
  }
}
