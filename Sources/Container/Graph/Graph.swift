/// An app as a picture: its elements, who needs whom, and, after a start, what happened when. A value.
///
/// ```swift
/// app.graph.html()       // a page to look at
/// app.graph.dot()        // for Graphviz
/// app.graph.mermaid()    // for a README
/// app.graph.json()       // for programs
/// ```
public struct Graph: Sendable {
  /// A module, which has its elements and other modules in it.
  public struct Module: Sendable, Hashable {
    /// The module's name.
    public let name: String
    /// Index of the module it stands in; nil for the app itself, which comes first.
    public let parent: Int?
  }

  /// An element of a module.
  public struct Node: Sendable {
    /// What it is and where it is written.
    public let origin: Origin
    /// Index of its module.
    public let module: Int
    /// How long its value lives.
    public let lifetime: Lifetime
    /// Hidden from other modules.
    public let isPrivate: Bool
    /// Contributes to a group.
    public let isGrouped: Bool
    /// Built with the app even if nothing asks for it.
    public let isRoot: Bool
    /// Nothing reaches it.
    public let isUnused: Bool
    /// What happened to it so far.
    public let timing: Timing?
  }

  /// One element needs another.
  public struct Edge: Sendable, Hashable {
    /// In which way.
    public enum Kind: String, Sendable, Hashable {
      /// As a parameter.
      case needs
      /// As a parameter that could do without.
      case optional
      /// As a member of a group.
      case group
      /// As a `Lazy`.
      case lazy
      /// As a `Factory`.
      case factory
    }

    /// Index of the node that needs.
    public let from: Int
    /// Index of the node that is needed.
    public let to: Int
    /// In which way.
    public let kind: Kind
  }

  /// When things happened to a node, counted from the moment the app began to start.
  public struct Timing: Sendable, Hashable {
    /// Its constructor was called.
    public let buildBegan: Duration
    /// Its constructor had returned and its start hooks began; nil if it has none.
    public let hooksBegan: Duration?
    /// It had started; nil if it never did.
    public let started: Duration?
    /// It began to stop; nil if it has nothing to do at stop, or has not come to it.
    public let stopBegan: Duration?
    /// It had stopped.
    public let stopped: Duration?
  }

  /// What the app is called.
  public let name: String
  /// All modules, each after the one it stands in.
  public let modules: [Module]
  /// All elements, in the order of declaration.
  public let nodes: [Node]
  /// Who needs whom.
  public let edges: [Edge]
  /// How long the start took; nil before.
  public let startDuration: Duration?
  /// The nodes that determined how long the start took, the first first; empty before the start.
  public let criticalPath: [Int]
}

extension App {
  /// The app as a picture, with the times of whatever has happened so far.
  public var graph: Graph { Graph(engine) }
}
