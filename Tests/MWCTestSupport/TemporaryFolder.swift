import Foundation

/// A new empty folder that goes away with its last reference.
///
/// `MWC_KEEP=1` keeps it, and its path is said, to look at what a failing test left.
package final class TemporaryFolder: Sendable {
  /// Path without a trailing slash.
  package let path: String

  package init() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("mwc-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    path = folder.path
  }

  deinit {
    if ProcessInfo.processInfo.environment["MWC_KEEP"] == "1" {
      TestSupport.say("kept: \(path)")
    } else {
      // A folder that cannot be removed is the system's temporary folder's business.
      try? FileManager.default.removeItem(atPath: path)
    }
  }

  /// Path of an entry with this name; nothing is created.
  package func file(_ name: String) -> String { path + "/" + name }

  /// Writes a file and returns its path.
  @discardableResult
  package func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
    return file(name)
  }
}
