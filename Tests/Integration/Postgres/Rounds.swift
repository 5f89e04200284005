import FoundationEssentials

/// How often a storm is repeated: as often as is said, or a fifth of it where `KEEL_SHORT_TESTS` is set, as
/// `scripts/check-tsan` does.
func rounds(_ count: Int) -> Int {
  ProcessInfo.processInfo.environment["KEEL_SHORT_TESTS"] == nil ? count : max(1, count / 5)
}
