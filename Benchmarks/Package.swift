// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that the main graph stays clean. `swift run -c release ContainerBench`.
let package = Package(
  name: "keel-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "keel", path: "..")],
  targets: [
    .executableTarget(name: "ContainerBench", dependencies: [.product(name: "Container", package: "keel")])
  ],
  swiftLanguageModes: [.v6]
)
