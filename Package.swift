// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target: the strictest the toolchain offers, and no warning left standing.
let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  // Borrowed views (`~Escapable`) need to say what they borrow from.
  .enableExperimentalFeature("Lifetimes"),
]

let cSettings: [CSetting] = [
  .treatAllWarnings(as: .error),
  .enableWarning("all"),
  .enableWarning("extra"),
  .enableWarning("conversion"),
  .enableWarning("shadow"),
]

// Names of products of the dependencies below.
let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")

let package = Package(
  name: "mwc",
  products: [
    .library(name: "MWC", targets: ["MWC"]),
    .executable(name: "mwc", targets: ["mwc"]),
    .executable(name: "mwc-capture", targets: ["mwc-capture"]),
    .executable(name: "mwc-replay", targets: ["mwc-replay"]),
  ],
  traits: [
    .trait(
      name: "SQLite", description: "`mwc export` writes SQLite databases; needs libsqlite3-dev")
  ],
  dependencies: [
    // One definition gives parsing, help, man pages and completions.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    // The API by which a host program decides where our log lines go.
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    // Typed file descriptors, paths and errno.
    .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    // Lateness and latency are histograms with known precision, not averages.
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CLibwebsockets", pkgConfig: "libwebsockets",
      providers: [.apt(["libwebsockets-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(
      name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),

    .target(name: "CMWCKernels", cSettings: cSettings),
    .target(
      name: "CMWCTransport", dependencies: ["CLibwebsockets", "CZlib", "CMWCKernels"],
      cSettings: cSettings),

    .target(name: "MWCCore", dependencies: ["CMWCKernels"], swiftSettings: swiftSettings),
    .target(
      name: "MWCTransport", dependencies: ["MWCCore", "CMWCTransport", "CMWCKernels", logging],
      swiftSettings: swiftSettings),
    .target(
      name: "MWCCapture",
      dependencies: [
        "MWCCore", "CMWCKernels", "CZlib", systemPackage,
        .target(name: "CSQLite", condition: .when(traits: ["SQLite"])),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "MWCReplay", dependencies: ["MWCCore", "MWCCapture", "CMWCKernels", histogram],
      swiftSettings: swiftSettings),
    .target(
      name: "MWCSinks", dependencies: ["MWCCore", "MWCTransport", "CMWCKernels", systemPackage],
      swiftSettings: swiftSettings),
    .target(
      name: "MWC",
      dependencies: [
        "MWCCore", "MWCTransport", "MWCCapture", "MWCReplay", "MWCSinks", logging, systemPackage,
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "MWCCommands",
      dependencies: [
        "MWC", "MWCCore", "MWCTransport", "MWCCapture", "MWCReplay", "MWCSinks", argumentParser,
        logging, systemPackage, histogram,
      ],
      swiftSettings: swiftSettings),
    .executableTarget(name: "mwc", dependencies: ["MWCCommands"], swiftSettings: swiftSettings),
    .executableTarget(
      name: "mwc-capture", dependencies: ["MWCCommands"], swiftSettings: swiftSettings),
    .executableTarget(
      name: "mwc-replay", dependencies: ["MWCCommands"], swiftSettings: swiftSettings),

    // What the Autobahn suite talks to; built with the package, never installed.
    .executableTarget(
      name: "mwc-conformance", dependencies: ["MWCCore", "MWCTransport", logging],
      path: "Tests/Conformance", swiftSettings: swiftSettings),

    .target(
      name: "MWCTestSupport",
      dependencies: ["MWCCore", "MWCTransport", "MWCCapture", "MWCReplay", systemPackage],
      path: "Tests/MWCTestSupport", swiftSettings: swiftSettings),
    // Fuzz targets in C, which the tests run, too.
    .target(
      name: "CMWCFuzz", dependencies: ["CMWCKernels"], path: "Tests/Fuzz/Harness",
      cSettings: cSettings),
    .testTarget(
      name: "MWCCoreTests", dependencies: ["MWCCore", "CMWCKernels", "CMWCFuzz", "MWCTestSupport"],
      exclude: ["JSON/json-table.txt"], swiftSettings: swiftSettings),
    .testTarget(
      name: "MWCTransportTests",
      dependencies: [
        "MWCTransport", "CMWCTransport", "CMWCKernels", "MWCCore", "MWCTestSupport", logging,
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "MWCCaptureTests",
      dependencies: ["MWCCapture", "CMWCKernels", "MWCTestSupport", systemPackage],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "MWCReplayTests", dependencies: ["MWCReplay", "MWCCore", "MWCTestSupport", histogram],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "MWCSinksTests",
      dependencies: ["MWCSinks", "MWCCore", "MWCTestSupport", systemPackage],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "MWCTests",
      dependencies: [
        "MWC", "MWCCore", "MWCTransport", "MWCCapture", "MWCTestSupport", systemPackage, logging,
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "MWCCommandsTests",
      dependencies: [
        "MWCCommands", "MWC", "MWCCapture", "MWCCore", "MWCReplay", "MWCTransport", "MWCSinks",
        "MWCTestSupport", argumentParser, systemPackage,
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "EndToEndTests", dependencies: ["MWCTestSupport", "MWCCore"],
      swiftSettings: swiftSettings),
  ]
)
