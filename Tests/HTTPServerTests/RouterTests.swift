import Testing

@testable import HTTPServer

@Suite struct RouterTests {
  private func route(_ method: HTTPMethod, _ path: String) -> Route {
    Route(method, path) { _ in "\(method) \(path)" }
  }

  private func router(_ paths: String...) throws -> Router {
    try Router(paths.map { route(.get, $0) })
  }

  /// `template name=value …`, or what the router said instead.
  private func found(_ router: Router, _ path: String, _ method: HTTPMethod = .get) -> String {
    switch router.match(method, rawPath: path) {
    case .endpoint(let endpoint, let values):
      ([endpoint.path ?? ""] + zip(endpoint.parameterNames, values).map { "\($0)=\($1)" }).joined(separator: " ")
    case .otherMethods(let others): "allow \(others.allow)"
    case .notFound: "not found"
    case .badPath(let message): message
    }
  }

  @Test func `literals beat parameters, which beat the rest`() throws {
    let router = try router("/users/me", "/users/:id", "/users/*rest", "/users/:id/posts/:post")
    #expect(found(router, "/users/me") == "/users/me")
    #expect(found(router, "/users/7") == "/users/:id id=7")
    #expect(found(router, "/users/7/posts/8") == "/users/:id/posts/:post id=7 post=8")
    #expect(found(router, "/users/7/albums") == "/users/*rest rest=7/albums")
    #expect(found(router, "/users/") == "/users/*rest rest=")
    #expect(found(router, "/users") == "not found")
  }

  @Test func `a literal that leads nowhere is left again`() throws {
    let router = try router("/a/b/c", "/:x/b/d", "/a/*rest")
    #expect(found(router, "/a/b/c") == "/a/b/c")
    #expect(found(router, "/a/b/d") == "/a/*rest rest=b/d")
    #expect(found(router, "/z/b/d") == "/:x/b/d x=z")
    #expect(found(router, "/z/b/c") == "not found")
  }

  @Test func `the root and trailing slashes are paths of their own`() throws {
    let router = try router("/", "/a", "/b/")
    #expect(found(router, "/") == "/")
    #expect(found(router, "/a") == "/a")
    #expect(found(router, "/a/") == "not found")
    #expect(found(router, "/b") == "not found")
    #expect(found(router, "/b/") == "/b/")
    #expect(found(router, "//") == "not found")
  }

  @Test func `escapes are decoded before the comparison`() throws {
    let router = try router("/größe", "/a b", "/x")
    #expect(found(router, "/gr%C3%B6%C3%9Fe") == "/größe")
    #expect(found(router, "/a%20b") == "/a b")
    #expect(found(router, "/%78") == "/x")
  }

  @Test func `a method with no route here may have a less specific one`() throws {
    let router = try Router([route(.post, "/users/me"), route(.get, "/users/:id")])
    #expect(found(router, "/users/me", .post) == "/users/me")
    #expect(found(router, "/users/me", .get) == "/users/:id id=me")
    #expect(found(router, "/users/me", .delete) == "allow GET, HEAD, OPTIONS, POST")
    #expect(found(router, "/users/7", .post) == "allow GET, HEAD, OPTIONS")
  }

  @Test func `HEAD has its own route or that of GET`() throws {
    let router = try Router([route(.get, "/a"), route(.get, "/b"), route(.head, "/b")])
    guard case .endpoint(let first, _) = router.match(.head, rawPath: "/a"),
      case .endpoint(let second, _) = router.match(.head, rawPath: "/b")
    else { return #expect(Bool(false), "both have an endpoint") }
    #expect(first.method == .get)
    #expect(second.method == .head)
  }

  @Test func `routes that answer the same are named with their places, all of them`() throws {
    let routes = [
      Route(.get, "/users/:id", fileID: "App/A.swift", line: 1) { _ in "" },
      Route(.get, "/users/:name", fileID: "App/B.swift", line: 2) { _ in "" },
      Route(.post, "/users/:name", fileID: "App/C.swift", line: 3) { _ in "" },
      Route(.get, "/x", fileID: "App/D.swift", line: 4) { _ in "" },
      Route(.get, "/x", fileID: "App/E.swift", line: 5) { _ in "" },
    ]
    let error = #expect(throws: HTTPServerError.self) { try Router(routes) }
    #expect(error?.code == .invalidRoutes)
    #expect(
      error?.description == """
        invalid routes:
          GET /users/:name (App/B.swift:2) answers the same requests as GET /users/:id (App/A.swift:1); remove one of them
          GET /x (App/E.swift:5) answers the same requests as GET /x (App/D.swift:4); remove one of them
        """)
  }

  @Test(arguments: [
    ("users", "it must begin with a slash"), ("", "it must begin with a slash"),
    ("/:", "“:” needs a name made of letters, digits, - and _"),
    ("/:a b", "“:a b” needs a name made of letters, digits, - and _"), ("/*rest/x", "“*rest” must stand last"),
    ("/:a/:a", "a parameter name occurs twice"), ("/a/../b", "a segment “..” never matches"),
  ])
  func `a misspelt path is refused`(path: String, message: String) {
    let fault = #expect(throws: RouteTemplate.Fault.self) { try RouteTemplate(path) }
    #expect(fault?.message == message)
  }

  @Test func `a route knows where it was declared`() {
    #expect(Route(.get, "/") { _ in "" }.location == "HTTPServerTests/RouterTests.swift:\(#line)")
  }
}
