/// Collects what the modules of an application declare, in order.
///
/// The argument of ``ModuleElement/register(in:)``; there is nothing to do with it but to pass it on.
public struct Registry {
  /// A module as it stands in the tree.
  struct ModuleRecord: Sendable {
    let module: (any Module)?
    let parent: Int?

    var name: String { module?.name ?? "App" }
  }

  /// Every module, parents before children; the application itself comes first.
  private(set) var modules = [ModuleRecord(module: nil, parent: nil)]
  private(set) var declarations: [Declaration] = []
  /// The module that each declaration stands in.
  private(set) var places: [Int] = []
  private var current = 0

  init() {}

  mutating func add(_ declaration: Declaration) {
    declarations.append(declaration)
    places.append(current)
  }

  mutating func withModule(_ module: any Module, _ body: (inout Registry) -> Void) {
    let outer = current
    modules.append(ModuleRecord(module: module, parent: outer))
    current = modules.count - 1
    body(&self)
    current = outer
  }
}
