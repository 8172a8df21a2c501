// swift-tools-version: 6.2
import PackageDescription

// Measurements against other programs' libraries. The modules that are measured are links to the
// sources of the root package: compiled here, with its settings, they belong to this package, so that
// their `package` declarations are in reach.

let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
]

// Other people's libraries get the best code for this machine; ours is built as it is shipped.
let native = ["-O3", "-march=native", "-DNDEBUG"]

let package = Package(
  name: "mwc-benchmarks",
  targets: [
    .systemLibrary(
      name: "CSimdjson", pkgConfig: "simdjson", providers: [.apt(["libsimdjson-dev"])]),

    .target(name: "CMWCKernels"),
    .target(name: "MWCCore", dependencies: ["CMWCKernels"], swiftSettings: swiftSettings),

    // Endless streams from a seed; Benchmarks/generate.
    .target(name: "StreamGenerator", dependencies: ["CMWCKernels"]),
    .executableTarget(name: "generate-stream", dependencies: ["StreamGenerator"]),

    .target(name: "ScannerStreams", dependencies: ["CMWCKernels"]),
    .target(
      name: "ScannerPeers", dependencies: ["ScannerStreams", "CMWCKernels", "CSimdjson"],
      cxxSettings: [.unsafeFlags(native)], linkerSettings: [.linkedLibrary("m")]),
    .target(
      name: "ScannerSwift", dependencies: ["MWCCore", "ScannerPeers"],
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "bench-scanner", dependencies: ["ScannerPeers", "ScannerStreams", "ScannerSwift"]),
    // The same without Swift: quick to build while the scanner is being tuned.
    .executableTarget(
      name: "bench-scanner-c", dependencies: ["ScannerPeers", "ScannerStreams"]),
  ],
  cxxLanguageStandard: .cxx20
)
