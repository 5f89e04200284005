internal import CZlib

/// Compresses bytes, all at once.
enum Gzip {
  /// Ask zlib for the header and the checksum of gzip, and for the largest window.
  private static let gzipWindow = MAX_WBITS + 16

  /// - Parameter level: 1 (fast) to 9 (small).
  /// - Returns: nil when zlib has no memory.
  static func compress(_ bytes: UnsafeRawBufferPointer, level: Int) -> [UInt8]? {
    var stream = z_stream()
    // The macro deflateInit2 of zlib.h, spelt out.
    let status = deflateInit2_(
      &stream, Int32(level), Z_DEFLATED, gzipWindow, MAX_MEM_LEVEL - 1, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else { return nil }
    defer { deflateEnd(&stream) }
    let bound = Int(deflateBound(&stream, UInt(bytes.count)))
    var isWhole = false
    let compressed = [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
      // zlib reads through this pointer and does not write.
      stream.next_in = UnsafeMutablePointer(mutating: bytes.assumingMemoryBound(to: UInt8.self).baseAddress)
      stream.avail_in = UInt32(clamping: bytes.count)
      stream.next_out = buffer.baseAddress
      stream.avail_out = UInt32(clamping: buffer.count)
      isWhole = deflate(&stream, Z_FINISH) == Z_STREAM_END
      count = Int(stream.total_out)
    }
    return isWhole ? compressed : nil
  }
}
