import Foundation
import Testing

/// The Python interpreters the tests use as independent peers.
package enum PythonEnvironment: String {
  /// WebSocket peers (`websockets` and what the reference servers need).
  case peers
  /// The original `monitoring-websocket-server`; alone, as its modules have very general names.
  case server
  /// Readers of the formats that `mwc export` writes: `mcap`, `jsonschema`.
  case formats

  /// Path of the interpreter; the environment is made on first use, by one process at a time.
  package func interpreter() async throws -> String {
    let result = try await ChildProcess.run(
      TestSupport.packageRoot + "/Scripts/python-env", [rawValue], timeout: .seconds(300))
    try #require(result.status == .exited(0), "\(result.errors)")
    return result.outputText.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Path of a program that a package of the environment brings.
  package func program(_ name: String) async throws -> String {
    let interpreter = try await interpreter()
    return URL(fileURLWithPath: interpreter).deletingLastPathComponent()
      .appendingPathComponent(name).path
  }
}
