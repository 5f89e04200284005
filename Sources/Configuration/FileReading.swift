#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Why a file gives no value.
struct FileReadError: Error {
  var reason: String
}

/// A configuration beyond this size is some other file.
private let maxFileSize = 1 << 20

/// The bytes of a file.
func readFile(_ path: String) throws(FileReadError) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw FileReadError(reason: String(cString: strerror(errno))) }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 16_384)
  while true {
    let count = read(descriptor, &chunk, chunk.count)
    if count < 0 {
      if errno == EINTR { continue }
      throw FileReadError(reason: String(cString: strerror(errno)))
    }
    if count == 0 { return bytes }
    bytes += chunk[..<count]
    guard bytes.count <= maxFileSize else { throw FileReadError(reason: "it is larger than 1 MiB") }
  }
}
