/// Makes a list of elements out of the lines of a module's body.
@resultBuilder
public enum ModuleBuilder {
  /// One element.
  public static func buildExpression(_ element: any ModuleElement) -> [any ModuleElement] { [element] }

  /// Elements that were put together elsewhere.
  public static func buildExpression(_ elements: [any ModuleElement]) -> [any ModuleElement] { elements }

  /// The lines of a body.
  ///
  /// One call for all of them: the compiler checks a long body in half the time that a call for each line costs it.
  public static func buildBlock(_ lines: [any ModuleElement]...) -> [any ModuleElement] { joined(lines) }

  /// An `if` without `else`.
  public static func buildOptional(_ elements: [any ModuleElement]?) -> [any ModuleElement] { elements ?? [] }

  /// The first branch of an `if` or `switch`.
  public static func buildEither(first: [any ModuleElement]) -> [any ModuleElement] { first }

  /// A further branch of an `if` or `switch`.
  public static func buildEither(second: [any ModuleElement]) -> [any ModuleElement] { second }

  /// A `for` loop.
  public static func buildArray(_ elements: [[any ModuleElement]]) -> [any ModuleElement] { joined(elements) }

  /// An `if #available`.
  public static func buildLimitedAvailability(_ elements: [any ModuleElement]) -> [any ModuleElement] { elements }

  private static func joined(_ lists: [[any ModuleElement]]) -> [any ModuleElement] {
    var joined: [any ModuleElement] = []
    joined.reserveCapacity(lists.reduce(0) { $0 + $1.count })
    for list in lists { joined += list }
    return joined
  }
}
