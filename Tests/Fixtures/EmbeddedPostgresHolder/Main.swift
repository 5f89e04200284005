import EmbeddedPostgres

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Holds an embedded server until it is killed: the victim of the fault tests.
///
/// `embedded-postgres-holder FOLDER` keeps its data, `embedded-postgres-holder --temporary` does not. Prints the
/// server's process id and folder when it is ready, an error and exit code 1 when it cannot start.
@main struct Main {
  static func main() async {
    let argument = CommandLine.arguments.dropFirst().first ?? ""
    var options = argument == "--temporary" ? EmbeddedPostgres.Options.temporary : .init(dataDirectory: argument)
    options.isThrowaway = true
    do {
      let server = try await EmbeddedPostgres.start(options)
      // Through no buffer: whoever reads this waits for it.
      let line = "ready \(server.processID ?? -1) \(server.dataDirectory)\n"
      _ = write(STDOUT_FILENO, line, line.utf8.count)
      _ = await server.waitForExit()
    } catch {
      print(error)
      exit(1)
    }
  }
}
