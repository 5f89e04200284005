import Synchronization

/// The last exemplar of each number of an instrument.
struct LatestExemplars: ~Copyable {
  private let exemplars = Mutex<[Exemplar?]>([])

  /// Keeps an exemplar in its place among `count`.
  borrowing func set(_ exemplar: Exemplar?, at index: Int, of count: Int) {
    guard let exemplar else { return }
    exemplars.withLock { exemplars in
      if exemplars.isEmpty { exemplars = Array(repeating: nil, count: count) }
      exemplars[index] = exemplar
    }
  }

  /// One for each place, or none at all.
  var all: [Exemplar?] {
    exemplars.withLock { $0 }
  }
}
