/// A graph made by chance: who needs whom, how, and what befalls each.
///
/// Elements have numbers. Needs go to smaller ones, so that there is no cycle; a `Lazy` may go anywhere.
struct RandomGraph: Sendable {
  /// A reproducible source of chance.
  struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }

    mutating func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &self) < probability }
  }

  enum Kind: Sendable {
    case value, scoped, transient, run
  }

  /// Where something may happen to an element; for a `Run`, `start` and `stop` are the two ends of its body.
  enum Place: Sendable, CaseIterable {
    case construction, start, stop
  }

  enum Trouble: Sendable {
    case fails
    /// Does not go on, but for its cancellation.
    case hangs
    /// Does not go on even then.
    case deaf
  }

  /// What befalls an element.
  struct Fate: Sendable {
    var isSlow = false
    var trouble: Trouble?
    var place = Place.construction

    /// Goes over its time.
    var isEndless: Bool { trouble == .hangs || trouble == .deaf }
  }

  struct Element: Sendable {
    var kind = Kind.value
    /// The group that it contributes to; it has no key of its own then.
    var group: Int?
    var needs: [Int] = []
    /// The groups that it needs.
    var groups: [Int] = []
    /// What it asks for as `Lazy`, to be opened in the constructor, the start hook, or the body of a `Run`.
    var lazies: [Int] = []
    var opensLate = false
    /// The scoped values that a `Run` asks of a scope.
    var scoped: [Int] = []
    /// Whether a `Run` waits for the `ShutdownSignal`, not for its cancellation.
    var listens = true
    var fate = Fate()
  }

  /// What comes in between.
  enum Interruption: Sendable {
    case requestStop, cancel
  }

  /// The most elements with a key, and the groups.
  static let most = (elements: 24, groups: 2)

  private(set) var elements: [Element] = []
  private(set) var roots: [Int] = []
  /// After how many steps there is an interruption.
  private(set) var interruption: (kind: Interruption, after: Int)?

  init(seed: UInt64, troubled: Bool) {
    var dice = Dice(state: seed)
    let count = Int.random(in: 1...RandomGraph.most.elements, using: &dice)
    let density = Double.random(in: 0.05...0.6, using: &dice)
    // The members of a group are before the first that may need it.
    let firstUsers = (0..<Int.random(in: 0...RandomGraph.most.groups, using: &dice)).map { _ in
      Int.random(in: 0...count, using: &dice)
    }
    for number in 0..<count {
      var element = Element()
      element.kind = dice.chance(0.75) ? .value : dice.chance(0.6) ? .scoped : .transient
      if element.kind == .value, let group = firstUsers.indices.randomElement(using: &dice),
        number < firstUsers[group], dice.chance(0.4)
      {
        element.group = group
      }
      element.needs = candidates(for: element.kind, before: number).filter { _ in dice.chance(density) }
      element.groups = firstUsers.indices.filter { firstUsers[$0] <= number && dice.chance(0.3) }
      elements.append(element)
    }
    for number in 0..<count where elements[number].kind != .transient && dice.chance(0.3) {
      elements[number].opensLate = elements[number].kind == .value && dice.chance(0.5)
      let targets = candidates(for: .value, before: elements[number].opensLate ? count : number)
      elements[number].lazies = (0..<2).compactMap { _ in targets.randomElement(using: &dice) }.filter { $0 != number }
    }
    for _ in 0..<Int.random(in: 0...3, using: &dice) {
      var run = Element(kind: .run)
      run.needs = candidates(for: .run, before: count).filter { _ in dice.chance(density / 3) }
      run.groups = firstUsers.indices.filter { _ in dice.chance(0.3) }
      run.lazies = candidates(for: .value, before: count).filter { _ in dice.chance(0.15) }
      run.scoped = (0..<count).filter { elements[$0].kind == .scoped && dice.chance(0.5) }
      run.listens = dice.chance(0.5)
      elements.append(run)
    }
    let possible = candidates(for: .value, before: count)
    roots = possible.filter { _ in dice.chance(0.5) }
    if roots.isEmpty { roots = possible.suffix(1) }
    for number in elements.indices { elements[number].fate.isSlow = dice.chance(0.5) }
    guard troubled else { return }
    makeTrouble(&dice)
    if dice.chance(0.5) {
      interruption = (dice.chance(0.5) ? .requestStop : .cancel, Int.random(in: 0..<count * 2, using: &dice))
    }
  }

  private mutating func makeTrouble(_ dice: inout Dice) {
    for number in elements.indices where dice.chance(1.0 / 12) {
      elements[number].fate.trouble = [.fails, .fails, .hangs, .deaf].randomElement(using: &dice)
      elements[number].fate.place = Place.allCases.randomElement(using: &dice) ?? .start
      switch elements[number].kind {
      case .value:
        break
      case .scoped, .transient:
        // Their constructors have no budget but that of whoever asks.
        if elements[number].fate.place == .construction || elements[number].kind == .transient {
          elements[number].fate.trouble = .fails
          elements[number].fate.place = .construction
        }
      case .run:
        if elements[number].fate.isEndless { (elements[number].lazies, elements[number].scoped) = ([], []) }
      }
    }
    if hurries { for number in elements.indices { elements[number].listens = true } }
  }

  /// What may be needed by its key.
  private func candidates(for kind: Kind, before end: Int) -> [Int] {
    (0..<end).filter { number in
      guard elements[number].group == nil else { return false }
      switch elements[number].kind {
      case .value: return true
      // A `Lazy` of one is asked for by those before it, so it must not need what only a scope has.
      case .transient: return true
      case .scoped: return kind == .scoped
      case .run: return false
      }
    }
  }

  /// Whether somebody has to be left behind for whom there is no budget of its own, but one that others share.
  var hurries: Bool {
    elements.contains { $0.fate.isEndless && ($0.kind == .run || $0.fate.place == .construction) }
  }

  // MARK: Who uses whom

  /// The singletons and scoped values that an element needs, directly or by way of transient ones.
  func uses(_ number: Int) -> Set<Int> {
    let element = elements[number]
    let members = elements.indices.filter { elements[$0].group.map(element.groups.contains) ?? false }
    return (element.needs + members).reduce(into: []) { $0.formUnion(values(behind: $1)) }
  }

  /// The element itself, or what a transient one is made of.
  func values(behind number: Int) -> Set<Int> { elements[number].kind == .transient ? uses(number) : [number] }

  /// Everything that `start` reaches, with itself.
  func reached(from start: [Int], lazily: Bool) -> Set<Int> {
    var reached: Set<Int> = []
    var stack = start
    while let number = stack.popLast() {
      guard reached.insert(number).inserted else { continue }
      stack += uses(number)
      if lazily { stack += elements[number].lazies + elements[number].scoped }
    }
    return reached
  }

  /// The values of the app that a start reaches, and those that it may reach.
  func started(lazily: Bool) -> Set<Int> {
    let runs = elements.indices.filter { elements[$0].kind == .run }
    return reached(from: roots + runs, lazily: lazily).filter { elements[$0].kind == .value }
  }
}
