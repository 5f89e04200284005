internal import Postgres

extension QueryTrace {
  /// The name, or for a query without one its first word: few enough for a label.
  var metricName: String {
    if let name { return name }
    let word = sql.head.utf8.drop { $0 == 0x20 || $0 == 0x0A || $0 == 0x09 || $0 == 0x0D || $0 == 0x28 }
      .prefix(16).prefix { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A }
    return word.isEmpty ? "unnamed" : "unnamed \(String(decoding: word, as: UTF8.self).uppercased())"
  }
}
