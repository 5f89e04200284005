/// Finds what answers a request: a trie over the segments of paths, and a table of the paths that have no places.
///
/// The routes that fit a path are tried from the most to the least specific; the first one with the method wins. If
/// none has it, the answer is 405 with the methods of all of them.
struct Router: Sendable {
  enum Match: Sendable {
    case endpoint(Endpoint, values: [String])
    /// A path with routes, none of them for the method. `OPTIONS` comes here too when no route is declared for it.
    case otherMethods(OtherMethods)
    case notFound
    case badPath(String)
  }

  /// What is known of a path whose routes are for other methods.
  struct OtherMethods: Sendable {
    var allow: String
    /// What all of them have from their groups, from the outside in.
    var middleware: [GroupMiddleware]
    /// One of them, and the values of its places: those that stand in the prefix of a group are the same in all.
    var endpoint: Endpoint
    var values: [String]
  }

  /// Everything that answers one path, by method.
  private struct Resource {
    var endpoints: [HTTPMethod: Endpoint] = [:]

    func endpoint(for method: HTTPMethod) -> Endpoint? {
      endpoints[method] ?? (method == .head ? endpoints[.get] : nil)
    }
  }

  private struct Node {
    var literals: [String: Int] = [:]
    var parameter: Int?
    var resource = Resource()
    var restResource = Resource()
  }

  private var nodes = [Node()]
  private var table: [String: Resource] = [:]

  /// Builds the trie.
  ///
  /// - Throws: ``HTTPServerError`` with the code `invalidRoutes` that names every misspelt path and every conflict, each
  ///   with the places of the declarations.
  init(_ routes: [Route], middleware: [any HTTPMiddleware] = []) throws(HTTPServerError) {
    var faults: [String] = []
    for route in routes {
      do throws(RouteTemplate.Fault) {
        let template = try RouteTemplate(route.path)
        let all = middleware + route.middleware.map(\.middleware)
        let endpoint = Endpoint(route, names: template.parameterNames, handler: all.wrapping(route.handler))
        if let other = insert(endpoint, template) {
          faults.append(
            "\(route.method) \(route.path) (\(route.location)) answers the same requests as "
              + "\(other.method) \(other.path ?? "") (\(other.location)); remove one of them")
        }
      } catch {
        faults.append("\(route.method) \(route.path) (\(route.location)): \(error.message)")
      }
    }
    guard faults.isEmpty else {
      throw HTTPServerError(.invalidRoutes, "invalid routes:\n" + faults.map { "  " + $0 }.joined(separator: "\n"))
    }
  }

  /// Finds what answers a method on a path as it was sent, without its query.
  func match(_ method: HTTPMethod, rawPath: String) -> Match {
    if let endpoint = table[rawPath]?.endpoint(for: method) { return .endpoint(endpoint, values: []) }
    let path: RequestPath
    do {
      path = try RequestPath(raw: rawPath)
    } catch {
      return .badPath(error.message)
    }
    var search = Search(method: method, segments: path.segments)
    visit(node: 0, depth: 0, &search)
    if let (endpoint, values) = search.found { return .endpoint(endpoint, values: values) }
    guard let others = search.others else { return .notFound }
    return .otherMethods(others)
  }

  // MARK: Building

  /// Adds an endpoint; returns the one that has its place already.
  private mutating func insert(_ endpoint: Endpoint, _ template: RouteTemplate) -> Endpoint? {
    var node = 0
    for segment in template.segments {
      switch segment {
      case .literal(let text):
        node = child(nodes[node].literals[text]) { nodes, new in nodes[node].literals[text] = new }
      case .parameter:
        node = child(nodes[node].parameter) { nodes, new in nodes[node].parameter = new }
      case .rest:
        return Self.put(endpoint, into: &nodes[node].restResource)
      }
    }
    if let path = template.literalPath { table[path, default: Resource()].endpoints[endpoint.method] = endpoint }
    return Self.put(endpoint, into: &nodes[node].resource)
  }

  private mutating func child(_ existing: Int?, link: (inout [Node], Int) -> Void) -> Int {
    if let existing { return existing }
    nodes.append(Node())
    link(&nodes, nodes.count - 1)
    return nodes.count - 1
  }

  private static func put(_ endpoint: Endpoint, into resource: inout Resource) -> Endpoint? {
    if let other = resource.endpoints[endpoint.method] { return other }
    resource.endpoints[endpoint.method] = endpoint
    return nil
  }

  // MARK: Searching

  private struct Search {
    let method: HTTPMethod
    let segments: [String]
    var values: [String] = []
    var found: (Endpoint, values: [String])?
    var passed: [(Endpoint, values: [String])] = []

    mutating func consider(_ resource: Resource, with values: [String]) {
      if let endpoint = resource.endpoint(for: method) {
        found = (endpoint, values)
      } else {
        passed += resource.endpoints.values.map { ($0, values) }
      }
    }

    /// All that was passed by.
    var others: OtherMethods? {
      guard let (endpoint, values) = passed.first else { return nil }
      let middleware = passed.dropFirst().reduce(endpoint.groupMiddleware) { $0.shared(with: $1.0.groupMiddleware) }
      return OtherMethods(
        allow: Router.allow(Set(passed.map(\.0.method))), middleware: middleware, endpoint: endpoint, values: values)
    }
  }

  private func visit(node index: Int, depth: Int, _ search: inout Search) {
    let node = nodes[index]
    if depth == search.segments.count {
      search.consider(node.resource, with: search.values)
    } else {
      let segment = search.segments[depth]
      if let child = node.literals[segment] { visit(node: child, depth: depth + 1, &search) }
      if search.found == nil, let child = node.parameter, !segment.isEmpty {
        search.values.append(segment)
        visit(node: child, depth: depth + 1, &search)
        search.values.removeLast()
      }
    }
    if search.found == nil, !node.restResource.endpoints.isEmpty, depth < search.segments.count {
      let rest = search.segments[depth...].joined(separator: "/")
      search.consider(node.restResource, with: search.values + [rest])
    }
  }

  private static func allow(_ methods: Set<HTTPMethod>) -> String {
    var methods = methods.union([.options])
    if methods.contains(.get) { methods.insert(.head) }
    return methods.map(\.rawValue).sorted().joined(separator: ", ")
  }
}

extension [any HTTPMiddleware] {
  /// `handler` with the middleware around it, the first one outermost.
  func wrapping(_ handler: @escaping HTTPHandler) -> HTTPHandler {
    reversed().reduce(handler) { next, middleware in
      { request in try await middleware.handle(request, next: next) }
    }
  }
}
