import Container

/// Binary numbers as types, to make any number of distinct types of.
protocol Number: Sendable {
  static var doubled: any Number.Type { get }
  static var doubledPlusOne: any Number.Type { get }
  static var numbered: any Numbered.Type { get }
}

enum One: Number {}
enum Even<Half: Number>: Number {}
enum Odd<Half: Number>: Number {}

extension Number {
  static var doubled: any Number.Type { Even<Self>.self }
  static var doubledPlusOne: any Number.Type { Odd<Self>.self }
  static var numbered: any Numbered.Type { Value<Self>.self }
}

final class Value<N: Number>: Sendable {
  init() {}
}

protocol Numbered: AnyObject, Sendable {
  static func leaf(hooks: Bool, isEager: Bool) -> any ModuleElement
  static func link(after other: any Numbered.Type, hooks: Bool) -> any ModuleElement
  static func slow(_ time: Duration) -> any ModuleElement
  static func invoke() -> any ModuleElement
}

extension Value: Numbered {
  static func leaf(hooks: Bool, isEager: Bool) -> any ModuleElement {
    let provide = isEager ? Provide { Value() }.eager() : Provide { Value() }
    return hooks ? provide.onStart { _ in }.onStop { _ in } : provide
  }

  static func link(after other: any Numbered.Type, hooks: Bool) -> any ModuleElement {
    func link<Other: Numbered>(_ other: Other.Type) -> any ModuleElement {
      let provide = Provide { (_: Other) in Value() }
      return hooks ? provide.onStart { _ in }.onStop { _ in } : provide
    }
    return link(other)
  }

  static func slow(_ time: Duration) -> any ModuleElement {
    Provide { Value() }.onStart { _ in try await Task.sleep(for: time) }
  }

  static func invoke() -> any ModuleElement {
    Invoke { (_: Value) in }
  }
}

/// As many distinct types as wanted.
func types(_ count: Int) -> [any Numbered.Type] {
  var numbers: [any Number.Type] = [One.self]
  var next = 0
  while numbers.count < count {
    numbers.append(numbers[next].doubled)
    numbers.append(numbers[next].doubledPlusOne)
    next += 1
  }
  return numbers.prefix(count).map { $0.numbered }
}
