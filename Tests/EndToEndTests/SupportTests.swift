import Foundation
import MWCTestSupport
import Testing

/// The tools of the other tests, tested.
struct SupportTests {
  @Test func childProcessTellsOutputErrorsAndStatus() async throws {
    let result = try await ChildProcess.shell("echo out; echo err >&2; exit 7")
    #expect(result.status == .exited(7))
    #expect(result.lines == ["out"])
    #expect(result.errorLines == ["err"])
  }

  @Test func childProcessReadsItsInput() async throws {
    let result = try await ChildProcess.run("/bin/cat", input: Data("in".utf8))
    #expect(result.outputText == "in")
  }

  @Test func childProcessIsWatchedAndStopped() async throws {
    let child = try ChildProcess("/bin/bash", ["-c", "echo port 123; sleep 100"])
    #expect(try await child.waitForText(/port \d+/, in: .output) == "port 123")
    let result = try await child.stop(9)
    #expect(result.status == .killed(signal: 9))
  }

  @Test func childProcessThatTakesTooLongIsAnError() async throws {
    let child = try ChildProcess("/bin/sleep", ["100000"])
    await #expect(throws: ChildProcess.Timeout.self) {
      try await child.wait(timeout: .milliseconds(50))
    }
  }

  @Test func programsAreBuiltBesideTheTests() throws {
    for name in ["mwc", "mwc-capture", "mwc-replay"] { _ = try ChildProcess.product(name) }
  }

  @Test func pythonPeersAreThere() async throws {
    let python = try await PythonEnvironment.peers.interpreter()
    let result = try await ChildProcess.run(python, ["-c", "import websockets"])
    #expect(result.status == .exited(0), "\(result.errors)")
  }

  @Test func generatorRepeatsItself() {
    var first = SeededGenerator(seed: 7)
    var second = SeededGenerator(seed: 7)
    #expect((0..<100).map { _ in first.next() } == (0..<100).map { _ in second.next() })
  }

  @Test(.needsSharedFolder, arguments: TrafficFile.names)
  func trafficFileIsRead(name: String) throws {
    let traffic = try TrafficFile(named: name)
    #expect(traffic.received.count > 10)
  }
}
