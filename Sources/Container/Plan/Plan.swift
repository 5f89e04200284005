/// A whole application, compiled: who gets what from whom. A value; nothing in it runs.
///
/// `PlanCompiler` makes it out of a `Registry`. The `Resolver` constructs by it, the `Schedule` orders by it, the `Graph` shows it.
struct Plan: Sendable {
  /// An output of a node: where a parameter's argument comes from.
  ///
  /// Numbers of four bytes: there is one for every parameter.
  struct Source: Sendable, Hashable {
    private let number: Int32
    private let outputNumber: Int32
    private let slotNumber: Int32
    let lifetime: Lifetime

    init(node: Int, output: Int, slot: Int, lifetime: Lifetime) {
      number = Int32(node)
      outputNumber = Int32(output)
      slotNumber = Int32(slot)
      self.lifetime = lifetime
    }

    var node: Int { Int(number) }
    var output: Int { Int(outputNumber) }
    /// Index among the slots of the app (a singleton) or of a scope (a scoped value); unused for a transient one.
    var slot: Int { Int(slotNumber) }
  }

  /// How one parameter is served.
  enum Binding: Sendable {
    case source(Source)
    /// The same for an optional parameter.
    case optional(Source)
    case group([Source])
    case lazy(Source)
    case factory(Source)
    /// Something the container makes itself, as `Lifecycle`.
    case builtin
    /// An optional parameter that nobody provides.
    case absent

    /// What must exist before the parameter can be served.
    var sources: [Source] {
      switch self {
      case .source(let source), .optional(let source): [source]
      case .group(let sources): sources
      case .lazy, .factory, .builtin, .absent: []
      }
    }
  }

  /// What is known of a declaration before it runs. Node and declaration have the same index.
  ///
  /// Of plain numbers, so that a thousand of them are one block of memory that nobody has to count references in.
  struct Node: Sendable {
    var module: Int
    var kind: Declaration.Kind
    var lifetime: Lifetime
    var firstSlot = 0
    /// Where its parameters begin among all `bindings`, and how many it has.
    var firstBinding = 0
    var bindingCount = 0
    var outputCount: Int
    var wantsLifecycle = false
    var hasTransients = false
    /// Its constructor can ask for values that are built later: it has a `Lazy`, a `Factory` or a `ScopeFactory`.
    var mayAskLater = false
    var isEager: Bool
    /// A scope is opened with it, or would be if an `Override` had not taken its place.
    var isScopeInput: Bool
    /// An `Override` took its place.
    var isReplaced = false

    /// Its constructor needs nothing made for that call alone.
    var isPlain: Bool { !wantsLifecycle && !hasTransients && !mayAskLater && kind != .run }
  }

  let declarations: [Declaration]
  let modules: [Registry.ModuleRecord]
  var lookup: Lookup
  var nodes: [Node] = []
  /// The parameters of all nodes, those of one node together.
  var bindings: [Binding] = []

  /// What must be built and started before each node. Transient values do not appear: what they need does.
  var dependencies = Edges()
  /// The reverse of `dependencies`.
  var dependents = Edges()
  /// Who may ask for a node later, by `Lazy`, `Factory` or a scope: they stop before it, though it need not start before them.
  var lazyHolders: [Int: [Int]] = [:]
  /// The reverse of `lazyHolders`.
  var lazyTargets: [Int: [Int]] = [:]

  /// Who asks for a `ScopeFactory`, and who needs those that do: they stop before anything else.
  var scopeOpeners: Set<Int> = []

  /// What values in scopes need: it stops when the scopes have ended, after everything else.
  var scopeNeeds: Set<Int> = []

  /// Transient nodes whose constructors may make another of the same, by `Factory` or `Lazy`.
  var recursive: Set<Int> = []

  /// The scoped values that each transient or scoped node needs to be constructed.
  var scopedNeeds: [Int: [Source]] = [:]

  /// Who must stop before each value of a scope if any of them has a `Lazy` of another: those that need it, and those that may
  /// ask for it later, unless it needs them.
  var scopedUsers: [Int: [Int]] = [:]

  /// What the app builds at start: `Invoke`, `Run` and eager providers.
  var roots: [Int] = []
  var singletonSlots = 0
  var scopedSlots = 0
  var faults: [Fault] = []
  var notes: [Note] = []

  /// Whether an `Override` took the place of a scope's input: what scopes are opened with does not count then.
  func isOverriddenInput(_ node: Int) -> Bool { nodes[node].isScopeInput && nodes[node].kind == .override }

  /// Whether nothing reaches any of these nodes.
  func areUnused(_ nodes: [Int]) -> Bool {
    let unused = Set(notes.compactMap { if case .unused(let node) = $0 { node } else { nil } })
    return nodes.allSatisfy(unused.contains)
  }

  /// How each parameter of a node is served, in their order.
  func bindings(of node: Int) -> ArraySlice<Binding> {
    let first = nodes[node].firstBinding
    return bindings[first..<first + nodes[node].bindingCount]
  }
}

/// Lists of neighbours of every node in two flat arrays.
struct Edges: Sendable {
  private(set) var starts: [Int32] = [0]
  private var targets: [Int32] = []

  var count: Int { targets.count }

  mutating func reserve(_ nodes: Int) {
    starts.reserveCapacity(nodes + 1)
    targets.reserveCapacity(nodes)
  }

  mutating func append(_ neighbours: some Sequence<Int>) {
    for neighbour in neighbours { targets.append(Int32(neighbour)) }
    starts.append(Int32(targets.count))
  }

  /// The places of a node's neighbours in the list of all: for loops that must not copy so much as a reference.
  func places(of node: Int) -> Range<Int> { Int(starts[node])..<Int(starts[node + 1]) }

  func neighbour(at place: Int) -> Int { Int(targets[place]) }

  subscript(node: Int) -> ArraySlice<Int32> { targets[Int(starts[node])..<Int(starts[node + 1])] }

  func reversed() -> Edges {
    let nodes = starts.count - 1
    var reversed = Edges()
    reversed.starts = Array(repeating: 0, count: nodes + 1)
    reversed.targets = Array(repeating: 0, count: targets.count)
    for target in targets { reversed.starts[Int(target) + 1] += 1 }
    for node in 0..<nodes { reversed.starts[node + 1] += reversed.starts[node] }
    var next = reversed.starts
    for node in 0..<nodes {
      for place in places(of: node) {
        let target = neighbour(at: place)
        reversed.targets[Int(next[target])] = Int32(node)
        next[target] += 1
      }
    }
    return reversed
  }
}
