internal import CCrypto

/// SHA-256 by libcrypto, which libpq brings along.
enum SHA256 {
  /// The digest of `bytes` in hexadecimal.
  static func hexadecimal(_ bytes: [UInt8]) -> String {
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    CCrypto.SHA256(bytes, bytes.count, &digest)
    return digest.map { byte in
      let digits = String(byte, radix: 16)
      return byte < 16 ? "0" + digits : digits
    }.joined()
  }
}
