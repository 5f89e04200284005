internal import Glibc

extension HTTPServerAddress {
  /// Finds out whether a server could listen here now, by doing so for a moment: a start that takes long should not end
  /// with the news that the port is in use.
  ///
  /// - Throws: ``HTTPServerError``, as ``HTTPServer/start()`` would.
  public func checkAvailable() throws(HTTPServerError) {
    let socket = try ListeningSocket(self, backlog: 1)
    socket.removeFile()
    close(socket.descriptor)
  }
}
