extension Plan {
  /// What somebody wanted of a type that nobody provides.
  enum Wish {
    case get
    case decorate
    case override

    fileprivate var verb: String {
      switch self {
      case .get: "ask for"
      case .decorate: "decorate"
      case .override: "override"
      }
    }
  }

  /// What somebody who asks for `requirement` in vain may have meant, one line each, the likeliest first.
  func suggestions(for requirement: Requirement, to wish: Wish = .get) -> [String] {
    let sure = byType(requirement.key, to: wish)
    return sure.isEmpty ? byName(requirement.key) : sure
  }

  /// What somebody asks for a group of.
  var askedGroups: Set<Key> {
    Set(declarations.lazy.flatMap(\.requirements).filter { $0.access == .group }.map(\.key))
  }

  /// An output of a node for which nobody asks, though somebody asks for the group of such values that it is no member of.
  func groupedElsewhere(_ node: Int, _ askedGroups: Set<Key>) -> Key? {
    declarations[node].isGrouped ? nil : declarations[node].outputs.first(where: askedGroups.contains)
  }

  /// The group that a node is a member of, though nobody asks for it.
  func groupInVain(_ node: Int, _ askedGroups: Set<Key>) -> Key? {
    declarations[node].isGrouped ? declarations[node].outputs.first { !askedGroups.contains($0) } : nil
  }

  /// Which group a member of `Group<key>` may have been meant for.
  func groupAdvice(for key: Key, _ askedGroups: Set<Key>) -> String {
    if let element = (key.type as? any ListType.Type)?.elementKey, askedGroups.contains(element) {
      return ", but for `Group<\(element)>`: contribute each by itself, by Provide(all:) or several elements"
    }
    let protocols = askedGroups.map(\.description).filter { $0.hasPrefix("any ") }.sorted()
    guard !key.description.hasPrefix("any "), !protocols.isEmpty else { return "" }
    let groups = protocols.map { "`Group<\($0)>`" }.joined(separator: ", ")
    return
      ", but for \(groups): bind it with .as((\(protocols.count == 1 ? protocols[0] : "any …")).self) { $0 } if it is one"
  }

  /// The module that provides such values in apps that list it.
  func offeringModule(of key: Key) -> String? {
    let plain = (key.type as? any TaggedType.Type)?.untagged ?? key
    // Under another tag, or none: the module is there.
    guard byType(key).isEmpty, lookup.table[plain] == nil else { return nil }
    return (plain.type as? any ModuleOffer.Type)?.offeringModule
  }

  /// Values that nobody asks for, of the Swift module that asks for a protocol: which of them conform to it cannot be seen.
  func unasked(for name: String, by askers: [Int]) -> [String] {
    let own = Set(askers.map { swiftModule(of: $0) })
    let found = notes.compactMap { note -> Int? in
      guard case .unused(let node) = note, nodes[node].kind == .provide, !declarations[node].isGrouped,
        !askers.contains(node), own.contains(swiftModule(of: node)),
        !declarations[node].outputs.contains(where: { $0.description.hasPrefix("any ") })
      else { return nil }
      return node
    }
    return found.prefix(3).map { node in
      "nobody asks for `\(self.name(node))`, provided at \(declarations[node].site.location): if it is one, bind it with "
        + ".as((\(name)).self) { $0 }"
    }
  }

  /// `App` of `App/Users.swift`.
  private func swiftModule(of node: Int) -> Substring {
    declarations[node].site.location.fileID.prefix { $0 != "/" }
  }

  /// What has to do with the type itself: under another tag or none, in a group, hidden in a module.
  func byType(_ key: Key, to wish: Wish = .get) -> [String] {
    let asked = (key.type as? any TaggedType.Type)?.untagged
    var lines: [String] = []
    for offer in allOffers where offer.key != key {
      let offered = (offer.key.type as? any TaggedType.Type)?.untagged
      let isTagged = offered == key || (asked != nil && (offered == asked || offer.key == asked))
      if (offer.key.type as? any OptionalType.Type)?.wrapped == key {
        lines.append("provided as `\(offer.key)` at \(place(offer)): \(wish.verb) that")
      }
      if isTagged {
        lines.append("provided as `\(offer.key)` at \(place(offer)): \(wish.verb) that, or change its tag")
      }
    }
    if let members = lookup.groups[key], let first = members.first {
      // A member has no name by which it could be replaced; the group has.
      let verb = wish == .override ? "change the whole by Decorate of" : wish.verb
      lines.append("contributed to a group at \(place(first)): \(verb) `Group<\(key)>`")
    }
    for hidden in (lookup.special[key]?.hidden ?? [:]).sorted(by: { $0.key < $1.key }).map(\.value) {
      lines.append(
        "private to \(modulePath(hidden.module)), at \(place(hidden)): \(wish == .get ? "ask" : wish.verb) there, or drop .private()"
      )
    }
    return lines
  }

  /// What is spelled much like it, or the same in another Swift module.
  private func byName(_ key: Key) -> [String] {
    let name = key.description.bare
    var near: [(distance: Int, line: String)] = []
    for offer in allOffers where offer.key != key {
      let other = offer.key.description.bare
      if other.tupleElements.contains(name) {
        let tuple = "part of `\(offer.key)` at \(place(offer))"
        near.append((0, "provided as \(tuple): Provide(all:) provides each by itself"))
      } else if other == name {
        near.append(
          (
            0,
            "did you mean `\(TypeName.qualified(offer.key.type))`, provided at \(place(offer))? This is `\(TypeName.qualified(key.type))`"
          ))
      } else if let distance = name.distance(to: other) {
        let isBinding = key.description.hasPrefix("any ") && !offer.key.description.hasPrefix("any ")
        let advice = isBinding ? " Bind it with .as((\(key)).self) { $0 }" : ""
        near.append((distance, "did you mean `\(offer.key)`, provided at \(place(offer))?\(advice)"))
      }
    }
    let nearest = near.sorted { ($0.distance, $0.line) < ($1.distance, $1.line) }.prefix(3)
    var seen: Set<String> = []
    return nearest.map(\.line).filter { seen.insert($0).inserted }
  }

  private var allOffers: [Lookup.Offer] {
    lookup.offers + lookup.special.values.flatMap { $0.hidden.values }.sorted { $0.source.node < $1.source.node }
  }

  private func place(_ offer: Lookup.Offer) -> SourceLocation { declarations[offer.source.node].site.location }
}

private protocol ListType {
  static var elementKey: Key { get }
}

extension Array: ListType {
  static var elementKey: Key { Key(Element.self) }
}

extension String {
  /// Without `any`, in small letters.
  fileprivate var bare: String { (hasPrefix("any ") ? String(dropFirst(4)) : self).lowercased() }

  /// `a` and `b` of `(a, b)`.
  fileprivate var tupleElements: [String] {
    guard hasPrefix("("), hasSuffix(")") else { return [] }
    return dropFirst().dropLast().split(separator: ", ").map(String.init)
  }

  /// How many letters must change to make the one out of the other; nil if that is too many for a slip, unless one name is
  /// part of the other, as `UserRepository` of `PgUserRepository`.
  fileprivate func distance(to other: String) -> Int? {
    if count >= 4, other.count >= 4,
      hasSuffix(other) || other.hasSuffix(self) || hasPrefix(other) || other.hasPrefix(self)
    {
      return 1
    }
    let limit = max(1, Swift.min(count, other.count) / 4)
    let (left, right) = (Array(self), Array(other))
    guard abs(left.count - right.count) <= limit else { return nil }
    var row = Array(0...right.count)
    for (index, letter) in left.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for (column, otherLetter) in right.enumerated() {
        let change = letter == otherLetter ? diagonal : diagonal + 1
        diagonal = row[column + 1]
        row[column + 1] = Swift.min(change, row[column] + 1, row[column + 1] + 1)
      }
    }
    return row[right.count] <= limit ? row[right.count] : nil
  }
}
