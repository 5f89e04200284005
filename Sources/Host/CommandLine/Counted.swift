extension BinaryInteger {
  /// `1 file`, `3 files`; with a plural of its own, `2 processes`.
  func counted(_ one: String, _ many: String? = nil) -> String {
    "\(self) \(self == 1 ? one : many ?? one + "s")"
  }
}
