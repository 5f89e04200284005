// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "hello-service",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "keel", path: "../..")],
  targets: [
    .executableTarget(
      name: "hello-service",
      dependencies: [
        .product(name: "Container", package: "keel"), .product(name: "DatabaseModule", package: "keel"),
        .product(name: "Host", package: "keel"), .product(name: "HTTPServer", package: "keel"),
        .product(name: "Migrations", package: "keel"), .product(name: "Postgres", package: "keel"),
      ],
      plugins: [.plugin(name: "EmbedMigrations", package: "keel")])
  ]
)
