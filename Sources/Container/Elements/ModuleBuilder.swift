/// Makes a list of elements out of the lines of a module's body.
@resultBuilder
public enum ModuleBuilder {
  /// What stands in a line, a branch or a loop of a body.
  public enum Part: Sendable {
    /// One element, as most lines are: it needs no list of its own.
    case element(any ModuleElement)
    /// Any number of elements.
    case elements([any ModuleElement])
  }

  /// One element.
  public static func buildExpression(_ element: any ModuleElement) -> Part { .element(element) }

  /// Elements that were put together elsewhere.
  public static func buildExpression(_ elements: [any ModuleElement]) -> Part { .elements(elements) }

  /// A body of one line.
  public static func buildBlock(_ line: Part) -> Part { line }

  /// The lines of a body.
  ///
  /// One call for all of them: the compiler checks a long body in half the time that a call for each line costs it.
  public static func buildBlock(_ lines: Part...) -> Part { .elements(joined(lines)) }

  /// An `if` without `else`.
  public static func buildOptional(_ part: Part?) -> Part { part ?? .elements([]) }

  /// The first branch of an `if` or `switch`.
  public static func buildEither(first: Part) -> Part { first }

  /// A further branch of an `if` or `switch`.
  public static func buildEither(second: Part) -> Part { second }

  /// A `for` loop.
  public static func buildArray(_ parts: [Part]) -> Part { .elements(joined(parts)) }

  /// An `if #available`.
  public static func buildLimitedAvailability(_ part: Part) -> Part { part }

  /// The whole body.
  public static func buildFinalResult(_ part: Part) -> [any ModuleElement] {
    switch part {
    case .element(let element): [element]
    case .elements(let elements): elements
    }
  }

  private static func joined(_ parts: [Part]) -> [any ModuleElement] {
    var joined: [any ModuleElement] = []
    joined.reserveCapacity(parts.count)
    for part in parts {
      switch part {
      case .element(let element): joined.append(element)
      case .elements(let elements): joined += elements
      }
    }
    return joined
  }
}
