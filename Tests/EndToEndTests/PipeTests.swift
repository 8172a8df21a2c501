import Foundation
import MWCTestSupport
import Testing

/// The programs among others: pipes, standard input and output, colour.
@Suite(.fewAtATime) struct PipeTests {
  /// Whoever has seen enough closes the pipe; that is no failure.
  @Test(arguments: ["mwc cat", "mwc-replay --speed max --format json", "mwc-replay --speed max"])
  func closedPipeEndsQuietly(command: String) async throws {
    let folder = try TemporaryFolder()
    let file = try await SampleCapture.make(count: 20_000, in: folder)
    let words = command.split(separator: " ").map(String.init)
    let program = try ChildProcess.product(words[0])
    let rest = words.dropFirst().joined(separator: " ")
    let result = try await ChildProcess.shell("'\(program)' \(rest) '\(file)' | head -n 1")
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(result.lines.count == 1)
    #expect(result.errors.isEmpty)
  }

  @Test func captureStreamsThroughAPipe() async throws {
    let folder = try TemporaryFolder()
    let peer = try await SampleCapture.numberedPeer(count: 1000, in: folder)
    let capture = try Program.capture.path
    let mwc = try Program.mwc.path
    let result = try await ChildProcess.shell(
      "'\(capture)' --uri \(peer.uri) --output - --no-reconnect | '\(mwc)' cat -")
    #expect(result.status == .exited(0), "\(result.errors)")
    let texts = result.lines.filter { $0.contains(#""opcode":"text""#) }
    #expect(texts.count == 1000)
  }

  @Test func capturingIntoAClosedPipeEnds() async throws {
    let peer = try await Peer("load.py", ["--rate", "20000"])
    let capture = try Program.capture.path
    let result = try await ChildProcess.shell(
      "'\(capture)' --uri \(peer.uri) --output - --quiet | head -c 100 | wc -c")
    #expect(result.status == .exited(0), "\(result.errors)")
    #expect(result.lines.first?.trimmingCharacters(in: .whitespaces) == "100")
  }

  @Test func replayReadsStandardInput() async throws {
    let folder = try TemporaryFolder()
    let file = try await SampleCapture.make(count: 100, in: folder)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    let arguments = ["--speed", "max", "--format", "raw"]
    let fromFile = try await Program.replay.run([file] + arguments)
    let fromInput = try await Program.replay.run(["-"] + arguments, input: bytes)
    #expect(fromInput.status == .exited(0), "\(fromInput.errors)")
    #expect(fromInput.output == fromFile.output)
    #expect(fromFile.lines.count == 100)
  }

  @Test func colorIsAMatterOfSettings() async throws {
    let folder = try TemporaryFolder()
    let file = try await SampleCapture.make(count: 3, in: folder)
    let escape = "\u{1B}["
    let cases: [(arguments: [String], environment: [String: String?], colored: Bool)] = [
      ([], [:], false),
      ([], ["CLICOLOR_FORCE": "1"], true),
      ([], ["CLICOLOR_FORCE": "0"], false),
      ([], ["CLICOLOR_FORCE": "1", "NO_COLOR": "1"], false),
      (["--no-color"], ["CLICOLOR_FORCE": "1"], false),
    ]
    for (arguments, environment, colored) in cases {
      let result = try await Program.replay.run(
        [file, "--speed", "max", "--format", "simple"] + arguments, environment: environment)
      #expect(result.status == .exited(0), "\(result.errors)")
      #expect(
        result.outputText.contains(escape) == colored, "\(arguments) \(environment)")
    }
  }

  /// Nothing on standard output but data, nothing of the data on standard error.
  @Test func talkAndDataDoNotMix() async throws {
    let folder = try TemporaryFolder()
    let file = try await SampleCapture.make(count: 50, in: folder)
    let result = try await Program.replay.run([
      file, "--speed", "max", "--format", "raw", "--stats",
    ])
    #expect(result.lines.count == 50)
    #expect(result.lines.allSatisfy { $0.hasPrefix(#"{"type":"connection""#) })
    #expect(!result.errors.contains(#""type":"connection""#))
    #expect(!result.errors.isEmpty, "--stats says something")
  }
}
