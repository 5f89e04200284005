/// Something wrong with an application that is known before it runs. `ContainerError+Faults` puts it into words.
enum Fault: Sendable {
  /// Nobody provides what is asked for.
  case missing(Requirement, askers: [Int])
  /// Several provide one key.
  case duplicate(Key, declarations: [Int])
  /// Each needs the next, the last needs the first.
  case cycle([Int])
  /// A value that lives longer needs one that lives shorter; the path leads from the one to the other.
  case captive([Int])
  /// A singleton asks for the scope itself.
  case scopeInSingleton(Int)
  /// Hooks on a transient value, which nobody would run; an override is transient because what it replaces is.
  case hooksOnTransient(Int, replacing: Int?)
  /// A factory of something that is not made anew.
  case factoryOfShared(node: Int, of: Int)
  /// A group of `Lazy`, `Factory`, optionals and the like, to which nobody contributes.
  case groupOfWrappers(Key, asker: Int)
  /// One override of private providers that have different lifetimes.
  case overrideOfSeveral(Int, declarations: [Int])
  /// A decorator of what nobody provides.
  case nothingToDecorate(Key, declaration: Int)
  /// An override of what nobody provides.
  case nothingToOverride(Key, declaration: Int)
}

/// Something worth knowing that does not keep an application from running.
enum Note: Sendable {
  /// A provider that nothing reaches.
  case unused(Int)
  /// A private member that a group lacks because it is decorated further out.
  case leftOut(Int, decorator: Int, asker: Int)
  /// `eager()` on what is not built with the app in any case.
  case eagerInVain(Int)
  /// An optional parameter that gets nil although something similar is on offer.
  case absentButSimilar(Requirement, asker: Int)
}
