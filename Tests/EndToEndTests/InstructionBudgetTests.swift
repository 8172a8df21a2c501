import Foundation
import MWCTestSupport
import Testing

/// The scanner's cost, held to `Benchmarks/instructions.txt`: counted instructions are the same on a
/// busy machine, and a change that costs 2 % is one that somebody should have wanted.
@Suite(.fewAtATime) struct InstructionBudgetTests {
  /// valgrind counts the instructions of one kind of processor; `make setup` installs it.
  private static let canCount: Bool = {
    #if arch(x86_64)
      let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
      return path.split(separator: ":").contains {
        FileManager.default.isExecutableFile(atPath: $0 + "/valgrind")
      }
    #else
      return false
    #endif
  }()

  @Test(
    .needsSharedFolder, .enabled(if: canCount, "valgrind, on x86-64, is not there to count"))
  func scannerStaysWithinItsInstructions() async throws {
    let traffic = try #require(TestSupport.sharedFolder) + "/traffic"
    let result = try await ChildProcess.run(
      TestSupport.packageRoot + "/Benchmarks/instructions.sh", ["--check", traffic],
      timeout: .seconds(180))
    #expect(
      result.status == .exited(0),
      "renew with Benchmarks/instructions.sh --write:\n\(result.outputText)\(result.errors)")
  }
}
