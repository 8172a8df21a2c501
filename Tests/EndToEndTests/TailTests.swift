import Foundation
import MWCTestSupport
import Testing

/// Captures that are read while they are written, and what a killed recorder leaves beside them.
@Suite(.fewAtATime) struct TailTests {
  private struct Payload: Decodable { var number: Int }

  private func numbers(_ output: Data) throws -> [Int] {
    try output.split(separator: UInt8(ascii: "\n")).map {
      try JSONDecoder().decode(Payload.self, from: Data($0)).number
    }
  }

  /// Both commands show every message once, from the first to the last, and end with the recording.
  @Test(arguments: ["cat", "replay"])
  func followsARecordingToItsEnd(command: String) async throws {
    let folder = try TemporaryFolder()
    let peer = try await Peer("load.py", ["--rate", "8000"])
    let file = folder.file("out.cap")
    let capture = try Program.capture.start(["--uri", peer.uri, "--output", file])
    try await peer.child.waitForText(/ack 1 [1-9]/, in: .output)
    let follower =
      try command == "cat"
      ? Program.mwc.start(["cat", file, "--follow", "--payload"])
      : Program.replay.start([file, "--follow", "--format", "raw"])
    // Long enough for several blocks: what is followed moves from the tail to the capture.
    try await follower.waitForText(/"number": 12\d\d\d,/, in: .output, timeout: .seconds(60))
    let ended = try await capture.stop(SIGINT)
    #expect(ended.status == .exited(0), "\(ended.errors)")
    let result = try await follower.wait()
    #expect(result.status == .exited(0), "\(result.errors)")
    let shown = try numbers(result.output)
    #expect(shown == Array(1..<(shown.count + 1)))
    let recorded = try await cat(file).filter { $0.isText && $0.direction == "in" }
    #expect(shown.count == recorded.count)
  }

  @Test(arguments: ["cat", "replay"])
  func anInterruptEndsFollowing(command: String) async throws {
    let folder = try TemporaryFolder()
    let peer = try await Peer("load.py", ["--rate", "500"])
    let file = folder.file("out.cap")
    let capture = try Program.capture.start(["--uri", peer.uri, "--output", file])
    try await peer.child.waitForText(/ack 1 [1-9]/, in: .output)
    let follower =
      try command == "cat"
      ? Program.mwc.start(["cat", file, "--follow", "--payload"])
      : Program.replay.start([file, "--follow", "--format", "raw"])
    try await follower.waitForText(/"number": 100,/, in: .output)
    let result = try await follower.stop(SIGINT)
    #expect(result.status == .exited(130), "\(result.errors)")
    #expect(result.errors.isEmpty, "\(result.errors)")
    let shown = try numbers(result.output)
    #expect(shown == Array(1..<(shown.count + 1)))
    _ = try await capture.stop(SIGINT)
  }

  /// A killed recorder leaves a tail; who continues takes it over, and at the end there is one file.
  @Test func aContinuedCaptureHasEverything() async throws {
    let folder = try TemporaryFolder()
    let peer = try await Peer("load.py", [])
    let file = folder.file("out.cap")
    var expected: [Data] = []
    for round in 1...3 {
      let capture = try Program.capture.start(
        ["--uri", peer.uri, "--output", file, "--append"])
      while try await texts(in: file).count < expected.count + 300 {
        try #require(capture.isRunning, "round \(round)")
      }
      _ = try await capture.stop(round == 3 ? SIGINT : SIGKILL)
      let found = try await texts(in: file)
      #expect(found.starts(with: expected), "round \(round)")
      expected = found
      #expect(FileManager.default.fileExists(atPath: file + ".tail") == (round < 3))
    }
    let verified = try await Program.mwc.run(["verify", file])
    #expect(verified.status == .exited(0), "\(verified.outputText)\(verified.errors)")
  }

  private func texts(in file: String) async throws -> [Data] {
    guard FileManager.default.fileExists(atPath: file) else { return [] }
    return try await cat(file).filter(\.isText).map { try $0.bytes }
  }

  /// A tail may be all that is left of a recording: it is not written over by the next one.
  @Test func aTailThatIsLeftIsKept() async throws {
    let folder = try TemporaryFolder()
    let peer = try await Peer("load.py", [])
    let file = folder.file("out.cap")
    let capture = try Program.capture.start(["--uri", peer.uri, "--output", file])
    try await waitUntil("there is a tail") {
      FileManager.default.fileExists(atPath: file + ".tail")
    }
    _ = try await capture.stop(SIGKILL)
    let attributes = try FileManager.default.attributesOfItem(atPath: file + ".tail")
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    try FileManager.default.removeItem(atPath: file)
    let refused = try await Program.capture.run([
      "--uri", peer.uri, "--output", file, "--max-messages", "10",
    ])
    expectFailure(refused, code: 73, naming: ["out.cap.tail", "mwc recover"])
    #expect(!FileManager.default.fileExists(atPath: file))
    let recovered = try await Program.mwc.run([
      "recover", file + ".tail", "--output", folder.file("kept.cap"),
    ])
    #expect(recovered.errors.contains("kept"), "\(recovered.errors)")
    let forced = try await Program.capture.run([
      "--uri", peer.uri, "--output", file, "--max-messages", "10", "--force",
    ])
    #expect(forced.status == .exited(0), "\(forced.errors)")
    #expect(!FileManager.default.fileExists(atPath: file + ".tail"))
    #expect(try await cat(file).filter { $0.isText && $0.direction == "in" }.count == 10)
  }
}
