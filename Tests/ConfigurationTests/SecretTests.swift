import AppConfiguration
import Foundation
import Testing

@Suite struct SecretTests {
  private struct Account: Codable {
    var name: String
    var password: Secret<String>
  }

  private let account = Account(name: "ann", password: Secret("hunter2"))

  @Test func `a secret shows in no description, dump or mirror`() {
    var dumped = ""
    dump(account, to: &dumped)
    let optional: Secret<String>? = account.password
    for text in [
      "\(account.password)", String(reflecting: account.password), "\(account)", String(reflecting: account), dumped,
      "\(optional as Any)", "\([account.password])", "\(Mirror(reflecting: account.password).children.map(\.value))",
    ] {
      #expect(!text.contains("hunter2"), "\(text)")
    }
    #expect("\(account.password)" == "<REDACTED>")
    #expect(account.password.reveal() == "hunter2")
  }

  /// A secret of an app's own, which has to write itself out to be read back.
  private struct Token: SettingValue {
    static let kind = "a token"
    static let isSecret = true
    let settingText: String

    static func parse(_ value: ConfigurationValue) throws(SettingValueError) -> Token {
      Token(settingText: try value.text(expecting: kind))
    }
  }

  @Test func `a setting of an app's own secret type is never shown, and one that is not set is told from one that is`()
    throws
  {
    let catalog = SettingsCatalog(
      "app", Setting("app.token", default: Token(settingText: "hunter2"), "A token."),
      Setting<Token?>("app.other", default: nil, "Another.").checked("is wrong") { $0 == nil },
      Setting<[Token]>("app.tokens", default: [], "More."))
    #expect(catalog.settings.map(\.defaultText) == ["<REDACTED>", "null", ""])
    let rows = try Configuration(flags: ["app.token": "hunter3", "app.tokens": "hunter4,hunter5"]).effective([catalog])
    #expect(rows.map(\.value) == ["<REDACTED>", "null", "<REDACTED>"])
    let error = #expect(throws: ConfigurationError.self) {
      try Configuration(flags: ["app.other": "hunter6"]).check(catalog)
    }
    #expect(error?.description == "--app-other: app.other: the value is wrong")
  }

  @Test func `a secret is decoded and never encoded`() throws {
    let encoded = try JSONEncoder().encode(account)
    #expect(!String(decoding: encoded, as: UTF8.self).contains("hunter2"))
    let json = Data(#"{"name":"ann","password":"hunter3"}"#.utf8)
    #expect(try JSONDecoder().decode(Account.self, from: json).password.reveal() == "hunter3")
  }
}
