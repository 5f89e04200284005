// swift-tools-version: 6.2
import PackageDescription

// One target per layer; an arrow in this list never points up. docs/architecture.md says why.
let package = Package(
  name: "keel",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "keel", targets: ["keel"]),
    .library(name: "Container", targets: ["Container"]),
    .library(name: "Postgres", targets: ["Postgres"]),
    .library(name: "ResourcePool", targets: ["ResourcePool"]),
    .library(name: "EventLoop", targets: ["EventLoop"]),
    .library(name: "Migrations", targets: ["Migrations"]),
    .library(name: "EmbeddedPostgres", targets: ["EmbeddedPostgres"]),
    .library(name: "PrometheusMetrics", targets: ["PrometheusMetrics"]),
    .library(name: "AppConfiguration", targets: ["AppConfiguration"]),
    .library(name: "StructuredLogging", targets: ["StructuredLogging"]),
    .library(name: "Health", targets: ["Health"]),
    .library(name: "HTTPServer", targets: ["HTTPServer"]),
    .library(name: "WebSocketModule", targets: ["WebSocketModule"]),
    .library(name: "DatabaseModule", targets: ["DatabaseModule"]),
    .library(name: "Host", targets: ["Host"]),
    .library(name: "ContainerTesting", targets: ["ContainerTesting"]),
    .library(name: "DatabaseTesting", targets: ["DatabaseTesting"]),
    .library(name: "MetricsTesting", targets: ["MetricsTesting"]),
    .plugin(name: "EmbedMigrations", targets: ["EmbedMigrations"]),
  ],
  targets: [
    // The composed application.
    .executableTarget(name: "keel", dependencies: ["Host", "DatabaseModule", "SharedMigrations", "Container"]),
    .target(
      name: "Host",
      dependencies: [
        "DatabaseModule", "HTTPServer", "EventLoop", "PrometheusMetrics", "AppConfiguration",
        "StructuredLogging", "Health", "Container", "Migrations", "Postgres",
        "ResourcePool",
      ]),
    .target(
      name: "DatabaseModule",
      dependencies: [
        "Container", "Postgres", "Migrations", "EmbeddedPostgres", "EventLoop",
        "PrometheusMetrics", "AppConfiguration", "StructuredLogging", "Health", "ResourcePool", "MonotonicTime",
      ]),

    // PostgreSQL.
    .target(name: "Migrations", dependencies: ["MigrationFiles", "Postgres", "StructuredLogging", "CCrypto"]),
    .target(name: "MigrationFiles"),
    .target(
      name: "SharedMigrations", dependencies: ["Migrations"], path: "migrations/shared",
      plugins: ["EmbedMigrations"]),
    .target(
      name: "Postgres",
      dependencies: ["CLibpq", "ResourcePool", "EventLoop", "MonotonicTime", "StructuredLogging"]),
    .target(name: "ResourcePool", dependencies: ["CTaskRuntime", "MonotonicTime"]),
    .target(name: "EmbeddedPostgres", dependencies: ["CSpawn", "StructuredLogging"]),

    // Serving and observing.
    .target(name: "HTTPServer", dependencies: ["CMicrohttpdShim", "CZlib", "EventLoop"]),
    .target(
      name: "WebSocketModule",
      dependencies: [
        "CWslay", "CCrypto", "HTTPServer", "EventLoop", "Container", "AppConfiguration", "PrometheusMetrics",
        "StructuredLogging",
      ]),
    .target(name: "EventLoop", dependencies: ["CEpoll", "MonotonicTime"]),
    .target(name: "MonotonicTime"),
    .target(name: "PrometheusMetrics", path: "Sources/Metrics"),
    .target(name: "AppConfiguration", dependencies: ["CYaml"], path: "Sources/Configuration"),
    .target(name: "StructuredLogging", path: "Sources/Logging"),
    .target(name: "Health"),

    // Composing.
    .target(name: "Container"),

    // Kits for the tests of users.
    .target(name: "ContainerTesting", dependencies: ["Container"]),
    .target(
      name: "DatabaseTesting", dependencies: ["EmbeddedPostgres", "Postgres", "Migrations", "EventLoop"]),
    .target(name: "MetricsTesting", dependencies: ["PrometheusMetrics"]),

    // C libraries.
    .systemLibrary(
      name: "CLibpq", pkgConfig: "libpq",
      providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
    .systemLibrary(
      name: "CCrypto", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"]), .brew(["openssl"])]),
    .systemLibrary(
      name: "CMicrohttpd", pkgConfig: "libmicrohttpd",
      providers: [.apt(["libmicrohttpd-dev"]), .brew(["libmicrohttpd"])]),
    .systemLibrary(
      name: "CYaml", pkgConfig: "yaml-0.1",
      providers: [.apt(["libyaml-dev"]), .brew(["libyaml"])]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .systemLibrary(name: "CWslay", providers: [.apt(["libwslay-dev"]), .brew(["wslay"])]),
    .systemLibrary(name: "CEpoll"),
    .systemLibrary(name: "CTaskRuntime"),
    .target(name: "CSpawn"),
    .target(
      name: "CMicrohttpdShim", dependencies: ["CMicrohttpd"],
      linkerSettings: [.linkedLibrary("microhttpd")]),

    // SQL files to Swift source at build time.
    .plugin(name: "EmbedMigrations", capability: .buildTool(), dependencies: ["embed-migrations"]),
    .executableTarget(
      name: "embed-migrations", dependencies: ["MigrationFiles"], path: "Sources/EmbedMigrationsTool"),

    // Tests: a folder per target, and Integration for what needs a server.
    .target(name: "TestSupport", dependencies: ["CSpawn"], path: "Tests/Support"),
    .testTarget(
      name: "ContainerTests", dependencies: ["Container", "ContainerTesting", "TestSupport", "signal-holder"],
      exclude: ["Fixtures"]),
    .executableTarget(
      name: "signal-holder", dependencies: ["Container"], path: "Tests/Fixtures/SignalHolder"),
    .testTarget(name: "ContainerTestingTests", dependencies: ["ContainerTesting", "Container"]),
    .testTarget(name: "ResourcePoolTests", dependencies: ["ResourcePool", "MonotonicTime"]),
    .testTarget(name: "MonotonicTimeTests", dependencies: ["MonotonicTime"]),
    .testTarget(name: "EventLoopTests", dependencies: ["EventLoop", "MonotonicTime"]),
    .testTarget(name: "PostgresTests", dependencies: ["Postgres", "StructuredLogging"]),
    .testTarget(name: "MigrationsTests", dependencies: ["Migrations", "MigrationFiles", "SharedMigrations"]),
    .testTarget(
      name: "MetricsTests", dependencies: ["PrometheusMetrics", "MetricsTesting", "HTTPServer", "EventLoop"]),
    .testTarget(name: "ConfigurationTests", dependencies: ["AppConfiguration"]),
    .testTarget(name: "LoggingTests", dependencies: ["StructuredLogging"]),
    .testTarget(name: "HTTPServerTests", dependencies: ["HTTPServer", "EventLoop", "TestSupport"]),
    .testTarget(
      name: "WebSocketModuleTests",
      dependencies: [
        "WebSocketModule", "HTTPServer", "EventLoop", "Container", "AppConfiguration", "PrometheusMetrics",
        "MetricsTesting", "StructuredLogging", "TestSupport", "hub-holder",
      ]),
    .executableTarget(
      name: "hub-holder", dependencies: ["WebSocketModule", "HTTPServer", "EventLoop"],
      path: "Tests/Fixtures/HubHolder"),
    .testTarget(
      name: "EmbeddedPostgresTests",
      dependencies: ["EmbeddedPostgres", "StructuredLogging", "embedded-postgres-holder"]),
    .executableTarget(
      name: "embedded-postgres-holder", dependencies: ["EmbeddedPostgres"],
      path: "Tests/Fixtures/EmbeddedPostgresHolder"),
    .testTarget(name: "HealthTests", dependencies: ["Health"]),
    .testTarget(
      name: "DatabaseModuleTests",
      dependencies: [
        "DatabaseModule", "AppConfiguration", "MetricsTesting", "MonotonicTime", "Postgres", "PrometheusMetrics",
        "StructuredLogging",
      ]),
    .testTarget(
      name: "DatabaseTestingTests", dependencies: ["DatabaseTesting", "Migrations", "Postgres", "EventLoop"]),
    .testTarget(
      name: "HostTests",
      dependencies: [
        "Host", "AppConfiguration", "Container", "DatabaseModule", "EventLoop", "HTTPServer", "Health", "Migrations",
        "PrometheusMetrics", "MetricsTesting", "ResourcePool", "StructuredLogging", "TestSupport", "WebSocketModule",
      ]),
    .testTarget(
      name: "DocumentationTests",
      dependencies: [
        "AppConfiguration", "Container", "ContainerTesting", "DatabaseModule", "DatabaseTesting", "EventLoop",
        "HTTPServer", "Health", "Host", "MetricsTesting", "Migrations", "Postgres", "PrometheusMetrics", "ResourcePool",
        "StructuredLogging", "WebSocketModule",
      ]),
    .testTarget(
      name: "IntegrationTests",
      dependencies: [
        "Postgres", "Migrations", "SharedMigrations", "DatabaseTesting", "EmbeddedPostgres", "EventLoop",
        "DatabaseModule", "Host", "HTTPServer", "PrometheusMetrics", "StructuredLogging", "ResourcePool", "Health",
        "MetricsTesting", "AppConfiguration", "Container", "CSpawn",
      ],
      path: "Tests/Integration"),
  ],
  swiftLanguageModes: [.v6]
)

// One settings loop for all Swift targets. NonisolatedNonsendingByDefault (SE-0461) is left out: Swift 6.3.1
// crashes on closures over parameter packs with it, and the container and the row decoder are made of those.
for target in package.targets where [.regular, .executable, .test].contains(target.type) {
  target.swiftSettings = [
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
  ]
}
