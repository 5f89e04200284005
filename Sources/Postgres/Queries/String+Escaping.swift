extension String {
  /// With `escape` before each of some ASCII marks, or else each of these twice. By bytes, as the server reads: to Swift a mark that
  /// combines with a quotation mark makes another character of it.
  func escaping(_ marks: String, by escape: UInt8? = nil) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(utf8.count + 2)
    for byte in utf8 {
      if marks.utf8.contains(byte) { bytes.append(escape ?? byte) }
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
