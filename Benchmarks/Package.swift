// swift-tools-version: 6.2
import PackageDescription

// Measured against peers in the same run; see docs/performance.md. A package of its own, so that the main graph has no
// benchmarks in it.
let package = Package(
  name: "keel-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "keel", path: "..")],
  targets: [
    .executableTarget(name: "PoolBench", dependencies: [.product(name: "ResourcePool", package: "keel")]),
    .executableTarget(name: "ContainerBench", dependencies: [.product(name: "Container", package: "keel")]),
    .executableTarget(name: "MetricsBench", dependencies: [.product(name: "PrometheusMetrics", package: "keel")]),
    .executableTarget(
      name: "HTTPBench",
      dependencies: [
        .product(name: "HTTPServer", package: "keel"), .product(name: "EventLoop", package: "keel"),
        .product(name: "PrometheusMetrics", package: "keel"),
      ]),
    .executableTarget(
      name: "MigrationsBench",
      dependencies: [
        .product(name: "Migrations", package: "keel"), .product(name: "Postgres", package: "keel"),
        .product(name: "EventLoop", package: "keel"), .product(name: "EmbeddedPostgres", package: "keel"),
      ]),
    .executableTarget(
      name: "TestDatabaseBench",
      dependencies: [
        .product(name: "DatabaseTesting", package: "keel"), .product(name: "Postgres", package: "keel"),
      ]),
    .executableTarget(
      name: "DriverBench",
      dependencies: [
        .product(name: "Postgres", package: "keel"), .product(name: "EventLoop", package: "keel"),
        .product(name: "EmbeddedPostgres", package: "keel"),
      ]),
    .executableTarget(
      name: "SoakBench",
      dependencies: [
        .product(name: "Postgres", package: "keel"), .product(name: "EventLoop", package: "keel"),
        .product(name: "EmbeddedPostgres", package: "keel"),
      ]),
    .executableTarget(
      name: "PostgresBench",
      dependencies: [
        .product(name: "Postgres", package: "keel"), .product(name: "EventLoop", package: "keel"),
        .product(name: "EmbeddedPostgres", package: "keel"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
