/// Finds the known word that somebody most likely meant.
package enum Suggestion {
  /// The known path nearest to an unknown one: the same last word in another section, else the fewest changed letters.
  static func nearestPath(to path: String, among known: [String]) -> String? {
    let name = lastWord(path)
    let moved = known.filter { lastWord($0) == name }
    if moved.count == 1 { return moved[0] }
    return nearest(to: path, among: moved.isEmpty ? known : moved)
      ?? known.first { nearest(to: name, among: [lastWord($0)]) != nil }
  }

  /// The candidate that differs by the fewest letters, if that is at most a third of them.
  package static func nearest(to word: String, among candidates: [String]) -> String? {
    let best =
      candidates
      .map { (candidate: $0, distance: distance(word.lowercased(), $0.lowercased())) }
      .min { $0.distance < $1.distance }
    guard let best, best.distance <= max(1, max(word.utf8.count, best.candidate.utf8.count) / 3) else { return nil }
    return best.candidate
  }

  private static func lastWord(_ path: String) -> String {
    path.split(separator: ".").last.map(String.init) ?? path
  }

  /// How many letters to insert, drop, change or swap with their neighbour to turn one word into the other.
  static func distance(_ left: String, _ right: String) -> Int {
    // Words beyond this are not typing mistakes, and the table would grow with their product.
    let (left, right) = (Array(left.utf8.prefix(128)), Array(right.utf8.prefix(128)))
    var beforePrevious: [Int] = []
    var previous = Array(0...right.count)
    for i in left.indices {
      var current = [i + 1]
      for j in right.indices {
        var cost = min(previous[j] + (left[i] == right[j] ? 0 : 1), previous[j + 1] + 1, current[j] + 1)
        if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
          cost = min(cost, beforePrevious[j - 1] + 1)
        }
        current.append(cost)
      }
      (beforePrevious, previous) = (previous, current)
    }
    return previous[right.count]
  }
}
