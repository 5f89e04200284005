/// A type of the framework that one of its modules provides: who asks for it in vain is told of that module.
package protocol ModuleOffer {
  /// The element to list among the app's, as it is written: `DatabaseModule()`.
  static var offeringModule: String { get }
}
