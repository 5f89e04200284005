/// Finds the provider of a key as seen from a module: visibility, overriding and decoration are decided here and nowhere else.
struct Lookup: Sendable {
  /// One output on offer.
  struct Offer: Sendable {
    var key: Key
    var source: Plan.Source
    /// The node that was declared to provide it; an `Override` may have taken its place in `source`.
    var declared: Int
    var module: Int
    var isPrivate: Bool
    var order = 0
  }

  let parents: [Int?]
  /// Public offers by key.
  var offers: [Offer] = []
  var table = KeyTable()
  /// Keys that are hidden or decorated somewhere; any other key looks the same from every module.
  var special: [Key: Special] = [:]
  /// Contributions by element type, in the order a `Group` has them.
  var groups: [Key: [Offer]] = [:]

  struct Special: Sendable {
    var hidden: [Int: Offer] = [:]
    /// Decorating nodes by module, in the order of declaration.
    var decorators: [Int: [Plan.Source]] = [:]
  }

  /// What `key` means in `module`, or inside the decorator `decorator`: what that decorates.
  func source(of key: Key, from module: Int, inside decorator: Int? = nil) -> Plan.Source? {
    if !special.isEmpty, let special = special[key] {
      var current: Int? = module
      while let place = current {
        if var decorators = special.decorators[place] {
          if let own = decorators.firstIndex(where: { $0.node == decorator }) {
            decorators.removeSubrange(own...)
          }
          if let last = decorators.last { return last }
        }
        if let hidden = special.hidden[place] { return hidden.source }
        current = parents[place]
      }
    }
    return undecorated(key)
  }

  /// What the provider of `key` that everybody sees gives, before any decoration.
  func undecorated(_ key: Key) -> Plan.Source? { table[key].map { offers[$0].source } }

  /// The members of the group of `key` as seen from `module`.
  func members(of key: Key, from module: Int) -> [Plan.Source] {
    guard let members = groups[key] else { return [] }
    return members.compactMap { !$0.isPrivate || isInside(module, $0.module) ? $0.source : nil }
  }

  /// Whether `module` is `outer` or lies in it.
  func isInside(_ module: Int, _ outer: Int) -> Bool {
    var current: Int? = module
    while let place = current {
      if place == outer { return true }
      current = parents[place]
    }
    return false
  }
}
