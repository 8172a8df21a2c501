// swift-tools-version: 6.2
import PackageDescription

// Fuzz targets for what is written in Swift; `Scripts/fuzz` builds and runs them, and the C targets
// beside them. The modules under test are links to the sources of the root package: compiled here,
// they belong to this package, so that their `package` declarations are in reach, and they are
// instrumented like the target.

let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
]

let package = Package(
  name: "mwc-fuzz",
  dependencies: [
    .package(url: "https://github.com/apple/swift-system", from: "1.8.0")
  ],
  targets: [
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CMWCKernels"),
    .target(name: "MWCCore", dependencies: ["CMWCKernels"], swiftSettings: swiftSettings),
    .target(
      name: "MWCCapture",
      dependencies: [
        "MWCCore", "CMWCKernels", "CZlib",
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: swiftSettings),
    .executableTarget(
      name: "FuzzScanner", dependencies: ["MWCCore"], swiftSettings: swiftSettings),
    .executableTarget(
      name: "FuzzCapture",
      dependencies: [
        "MWCCapture", "MWCCore", "CMWCKernels",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "FuzzImport",
      dependencies: [
        "MWCCapture", "MWCCore", .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "FuzzFilter", dependencies: ["MWCCore"], swiftSettings: swiftSettings),
  ]
)
