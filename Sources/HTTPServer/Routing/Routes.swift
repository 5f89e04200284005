/// Routes that have a prefix and middleware in common.
///
/// ```swift
/// Routes("/orders", middleware: [auth]) {
///   Route(.get, "/") { request in JSON(try await orders.all(of: try request.user)) }
///   Route(.get, "/:id") { request in JSON(try await orders.find(request.parameters["id", as: UUID.self])) }
///   Routes("/export", middleware: [AdminsOnly()]) {
///     Route(.get, "/all.csv") { _ in try await orders.export() }
///   }
/// }
/// ```
///
/// The path `/` in a group is the prefix itself: `/orders`, without a slash at its end. A prefix may have `:name` places.
///
/// The middleware runs for the group's routes only, inside that of the server, the first one outermost; that of an inner
/// group runs inside. `HEAD` goes the way of `GET`. What the server answers by itself, 405 and `OPTIONS` for a path that has
/// routes for other methods, goes through the middleware of those groups that all routes of the path are in;
/// ``HTTPRequest/route`` is nil there. A path without any route is not the group's, whatever its prefix: 404, from the
/// server.
public struct Routes: Sendable {
  /// The routes, those of inner groups too, with their whole paths and all middleware.
  public let routes: [Route]

  /// A group of routes.
  ///
  /// - Parameters:
  ///   - prefix: What all paths begin with, such as `/orders`. Empty if they have nothing in common but middleware.
  ///   - middleware: Stands around all handlers, the first one outermost.
  ///   - content: Routes, arrays of them, and further groups.
  public init(
    _ prefix: String = "", middleware: [any HTTPMiddleware] = [], @RoutesBuilder _ content: () throws -> [Route]
  ) rethrows {
    let shared = middleware.map(GroupMiddleware.init)
    let prefix = prefix.hasSuffix("/") ? String(prefix.dropLast()) : prefix
    routes = try content().map { $0.inside(prefix: prefix, middleware: shared) }
  }
}

/// Lists routes, those of groups too.
@resultBuilder
public enum RoutesBuilder {
  /// A route.
  public static func buildExpression(_ route: Route) -> [Route] { [route] }
  /// A group.
  public static func buildExpression(_ group: Routes) -> [Route] { group.routes }
  /// Several routes.
  public static func buildExpression(_ routes: [Route]) -> [Route] { routes }
  /// All of them.
  public static func buildBlock(_ parts: [Route]...) -> [Route] { parts.flatMap { $0 } }
  /// `if` without `else`.
  public static func buildOptional(_ part: [Route]?) -> [Route] { part ?? [] }
  /// `if`.
  public static func buildEither(first: [Route]) -> [Route] { first }
  /// `else`.
  public static func buildEither(second: [Route]) -> [Route] { second }
  /// `for`.
  public static func buildArray(_ parts: [[Route]]) -> [Route] { parts.flatMap { $0 } }
}

/// One middleware of one group. An object: it tells whether routes have it from the same group.
final class GroupMiddleware: Sendable {
  let middleware: any HTTPMiddleware

  init(_ middleware: any HTTPMiddleware) { self.middleware = middleware }
}

extension [GroupMiddleware] {
  /// What routes have in common, from the outside in.
  func shared(with other: [GroupMiddleware]) -> [GroupMiddleware] {
    zip(self, other).prefix { $0 === $1 }.map(\.0)
  }
}
