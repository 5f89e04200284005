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

  @Test func `a secret is decoded and never encoded`() throws {
    let encoded = try JSONEncoder().encode(account)
    #expect(!String(decoding: encoded, as: UTF8.self).contains("hunter2"))
    let json = Data(#"{"name":"ann","password":"hunter3"}"#.utf8)
    #expect(try JSONDecoder().decode(Account.self, from: json).password.reveal() == "hunter3")
  }
}
