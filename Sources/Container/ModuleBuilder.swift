/// Makes a list of elements out of the lines of a module's body.
@resultBuilder
public enum ModuleBuilder {
  /// One element.
  public static func buildExpression(_ element: any ModuleElement) -> [any ModuleElement] { [element] }

  /// Elements that were put together elsewhere.
  public static func buildExpression(_ elements: [any ModuleElement]) -> [any ModuleElement] { elements }

  /// An empty body.
  public static func buildBlock() -> [any ModuleElement] { [] }

  /// The first line.
  public static func buildPartialBlock(first: [any ModuleElement]) -> [any ModuleElement] { first }

  /// Each further line.
  public static func buildPartialBlock(
    accumulated: consuming [any ModuleElement], next: [any ModuleElement]
  ) -> [any ModuleElement] {
    accumulated += next
    return accumulated
  }

  /// An `if` without `else`.
  public static func buildOptional(_ elements: [any ModuleElement]?) -> [any ModuleElement] { elements ?? [] }

  /// The first branch of an `if` or `switch`.
  public static func buildEither(first: [any ModuleElement]) -> [any ModuleElement] { first }

  /// A further branch of an `if` or `switch`.
  public static func buildEither(second: [any ModuleElement]) -> [any ModuleElement] { second }

  /// A `for` loop.
  public static func buildArray(_ elements: [[any ModuleElement]]) -> [any ModuleElement] { elements.flatMap { $0 } }

  /// An `if #available`.
  public static func buildLimitedAvailability(_ elements: [any ModuleElement]) -> [any ModuleElement] { elements }
}
