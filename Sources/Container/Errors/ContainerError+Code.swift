extension ContainerError {
  /// What kind of error it is.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Base: String, Sendable {
      case invalidGraph, missingProvider, unreachableTag, duplicateProvider, cyclicDependency, captiveDependency
      case hooksOnTransient, factoryOfShared, nothingToDecorate, nothingToOverride
      case ambiguousOverride
      case constructionFailed, startFailed, startTimedOut, startCancelled, stopFailed, stopTimedOut, runFailed
      case invalidState, stopInsideHook, lazyCycle, notProvided, scopeEnded
    }

    private let base: Base

    private init(_ base: Base) { self.base = base }

    /// The graph has faults; each is in ``ContainerError/related``.
    public static let invalidGraph = Code(.invalidGraph)
    /// Nobody provides a type that somebody asks for.
    public static let missingProvider = Code(.missingProvider)
    /// The type is provided, but not under the tag it is asked for with.
    public static let unreachableTag = Code(.unreachableTag)
    /// Several provide one type.
    public static let duplicateProvider = Code(.duplicateProvider)
    /// A value needs itself, by way of others.
    public static let cyclicDependency = Code(.cyclicDependency)
    /// A singleton needs a value of a scope.
    public static let captiveDependency = Code(.captiveDependency)
    /// A transient value has hooks, which nobody would run.
    public static let hooksOnTransient = Code(.hooksOnTransient)
    /// A `Factory` is asked for of a value that is not transient.
    public static let factoryOfShared = Code(.factoryOfShared)
    /// A `Decorate` of a type that nobody provides.
    public static let nothingToDecorate = Code(.nothingToDecorate)
    /// An `Override` of a type that nobody provides.
    public static let nothingToOverride = Code(.nothingToOverride)
    /// An `Override` of several private providers that have different lifetimes.
    public static let ambiguousOverride = Code(.ambiguousOverride)
    /// A constructor, an `Invoke` or a `Decorate` threw.
    public static let constructionFailed = Code(.constructionFailed)
    /// The start half of a hook threw.
    public static let startFailed = Code(.startFailed)
    /// A start half, or the whole start, took longer than it may.
    public static let startTimedOut = Code(.startTimedOut)
    /// The start was called off by a stop, a signal or the cancellation of its task.
    public static let startCancelled = Code(.startCancelled)
    /// The stop half of a hook threw.
    public static let stopFailed = Code(.stopFailed)
    /// A stop half, or the whole stop, took longer than it may.
    public static let stopTimedOut = Code(.stopTimedOut)
    /// A `Run` threw.
    public static let runFailed = Code(.runFailed)
    /// The app is in a state in which this cannot be done.
    public static let invalidState = Code(.invalidState)
    /// `stop()` was awaited inside what it would wait for.
    public static let stopInsideHook = Code(.stopInsideHook)
    /// A `Lazy` was opened inside a constructor that its value waits for, or a constructor makes itself without end.
    public static let lazyCycle = Code(.lazyCycle)
    /// A value was asked of the app or of a scope that nobody provides there.
    public static let notProvided = Code(.notProvided)

    /// A value was asked of a scope that has ended, or one of a scope was asked for outside of any.
    public static let scopeEnded = Code(.scopeEnded)

    /// The name of the constant.
    public var description: String { base.rawValue }
  }
}
