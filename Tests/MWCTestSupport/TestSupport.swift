import Foundation
package import Testing

/// Where things are, and where chance comes from, for every test.
package enum TestSupport {
  /// Folder that holds `Package.swift`.
  package static let packageRoot: String = {
    var folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    while folder.path != "/" {
      if FileManager.default.fileExists(atPath: folder.appendingPathComponent("Package.swift").path)
      {
        return folder.path
      }
      folder.deleteLastPathComponent()
    }
    preconditionFailure("no Package.swift above \(#filePath)")
  }()

  /// Folder of golden outputs, recorded traffic and reference peers that stands beside the package;
  /// `nil` where it does not, and then the tests that need it say so and are skipped.
  package static let sharedFolder: String? = {
    let folder = URL(fileURLWithPath: packageRoot).deletingLastPathComponent()
      .appendingPathComponent("shared").path
    var isFolder: ObjCBool = false
    let exists = unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder)
    return exists && isFolder.boolValue ? folder : nil
  }()

  /// A file below `sharedFolder`; records an issue when it is missing.
  package static func sharedFile(_ path: String) throws -> String {
    let folder = try #require(sharedFolder, "../shared is not beside the package")
    let file = folder + "/" + path
    try #require(FileManager.default.fileExists(atPath: file), "../shared/\(path) is missing")
    return file
  }

  /// Seed of this run: `MWC_SEED`, else drawn at random.
  package static let seed: UInt64 = {
    if let text = ProcessInfo.processInfo.environment["MWC_SEED"], let value = UInt64(text) {
      return value
    }
    return UInt64.random(in: 0..<1_000_000_000)
  }()

  /// A generator that `MWC_SEED` reproduces; says its seed, as every random test must.
  ///
  /// `purpose` names the test, and keeps two tests of one run from drawing the same numbers.
  package static func generator(for purpose: String) -> SeededGenerator {
    say("\(purpose): MWC_SEED=\(seed)")
    let salt = purpose.utf8.reduce(into: UInt64(0xcbf2_9ce4_8422_2325)) { hash, byte in
      hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    }
    return SeededGenerator(seed: seed ^ salt)
  }

  /// Says one line on standard error: a seed, a reason why something was not tested.
  package static func say(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }
}

/// SplitMix64: small, fast, and the same numbers everywhere for one seed.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value >> 31)
  }
}

extension Trait where Self == ConditionTrait {
  /// The test reads files of `TestSupport.sharedFolder`.
  package static var needsSharedFolder: Self {
    .enabled(if: TestSupport.sharedFolder != nil, "../shared is not beside the package")
  }
}
