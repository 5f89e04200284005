internal import Glibc

/// Standard input, output and error, where the process was started without.
enum StandardDescriptors {
  /// Gives `/dev/null` their numbers. What is opened first would get them otherwise: a connection to the database, say, and
  /// with the number of standard error all that is logged.
  ///
  /// Opened the wrong way round, so that to read or write is an error as before.
  static func occupy() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
      // The lowest number that is free: this one.
      _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }
}
