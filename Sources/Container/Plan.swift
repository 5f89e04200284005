/// A whole application, compiled: who gets what from whom. A value; nothing in it runs.
///
/// `PlanCompiler` makes it out of a `Registry`. The `Resolver` constructs by it, the `Schedule` orders by it, the `Graph` shows it.
struct Plan: Sendable {
  /// An output of a node: where a parameter's argument comes from.
  struct Source: Sendable, Hashable {
    var node: Int
    var output: Int
    /// Index among the slots of the app (a singleton) or of a scope (a scoped value); unused for a transient one.
    var slot: Int
    var lifetime: Lifetime
  }

  /// How one parameter is served.
  enum Binding: Sendable {
    case source(Source)
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
      case .source(let source): [source]
      case .group(let sources): sources
      case .lazy, .factory, .builtin, .absent: []
      }
    }
  }

  /// A declaration with its parameters bound. Node and declaration have the same index.
  struct Node: Sendable {
    var module: Int
    var lifetime: Lifetime
    var firstSlot = 0
    var bindings: [Binding] = []
    var wantsLifecycle = false
    var hasTransients = false
    /// An `Override` took its place.
    var isReplaced = false
  }

  let declarations: [Declaration]
  let modules: [Registry.ModuleRecord]
  var lookup: Lookup
  var nodes: [Node] = []

  /// What must be built and started before each node. Transient values do not appear: what they need does.
  var dependencies = Edges()
  /// The reverse of `dependencies`.
  var dependents = Edges()
  /// Who holds a node as `Lazy`: they stop before it, though it need not start before them.
  var lazyHolders: [Int: [Int]] = [:]
  /// The reverse of `lazyHolders`.
  var lazyTargets: [Int: [Int]] = [:]

  /// The scoped values that each transient or scoped node needs to be constructed.
  var scopedNeeds: [Int: [Source]] = [:]

  /// What the app builds at start: `Invoke`, `Run` and eager providers.
  var roots: [Int] = []
  var singletonSlots = 0
  var scopedSlots = 0
  var faults: [Fault] = []
  var notes: [Note] = []
}

/// Lists of neighbours of every node in two flat arrays.
struct Edges: Sendable {
  private var starts: [Int32] = [0]
  private var targets: [Int32] = []

  var count: Int { targets.count }

  mutating func append(_ neighbours: some Sequence<Int>) {
    for neighbour in neighbours { targets.append(Int32(neighbour)) }
    starts.append(Int32(targets.count))
  }

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
      for target in self[node] {
        reversed.targets[Int(next[Int(target)])] = Int32(node)
        next[Int(target)] += 1
      }
    }
    return reversed
  }
}
