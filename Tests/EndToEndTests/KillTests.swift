import Foundation
import MWCTestSupport
import Testing

/// A capture that is killed keeps everything but, at most, its last flush interval.
@Suite(.fewAtATime) struct KillTests {
  private struct Acknowledgement {
    var number: Int
    /// Nanoseconds since 1970.
    var time: Int64
  }

  private struct Payload: Decodable { var number: Int }

  /// The default of `--flush-interval`, said here so that a change of it is noticed.
  private static let flushInterval: Int64 = 100_000_000
  /// What threads of a busy machine wait for a core, on top of the promise.
  private static let scheduling: Int64 = 100_000_000
  private static let kills = 50

  @Test func killedCaptureLosesAtMostTheFlushInterval() async throws {
    var generator = TestSupport.generator(for: "killedCapture")
    let folder = try TemporaryFolder()
    let peer = try await Peer("load.py", ["--compression"])

    for round in 1...Self.kills {
      let file = folder.file("round-\(round).cap")
      let compression = Bool.random(using: &generator) ? [] : ["--no-compression"]
      let capture = try Program.capture.start(
        ["--uri", peer.uri, "--output", file] + compression)
      // Under load first: a moment before the first message is no test.
      try await waitUntil("round \(round) is under load") {
        !acknowledgements(of: peer, connection: round).isEmpty
      }
      try await Task.sleep(for: .milliseconds(Int.random(in: 0..<600, using: &generator)))
      let killed = Int64(Date().timeIntervalSince1970 * 1e9)
      let result = try await capture.stop(SIGKILL)
      try #require(result.status == .killed(signal: SIGKILL), "\(result.errors)")

      let certain =
        acknowledgements(of: peer, connection: round)
        .filter { $0.time <= killed - Self.flushInterval - Self.scheduling }
        .map(\.number).max() ?? 0
      try await check(file, holdsAtLeast: certain, round: round)
    }
  }

  /// The file opens and holds an unbroken beginning; the cut is named; what is recovered is clean.
  private func check(_ file: String, holdsAtLeast certain: Int, round: Int) async throws {
    let numbers = try await numbers(in: file)
    #expect(numbers == Array(1..<(numbers.count + 1)), "round \(round): not in order, or a hole")
    #expect(
      numbers.count >= certain,
      "round \(round): \(certain - numbers.count) messages older than the flush interval are lost")

    let verified = try await Program.mwc.run(["verify", file])
    #expect(verified.status == .exited(1), "round \(round): \(verified.outputText)")
    #expect(
      (verified.outputText + verified.errors).contains("not finished"),
      "round \(round): \(verified.outputText)\(verified.errors)")

    let mended = file + ".mended"
    let recovered = try await Program.mwc.run(["recover", file, "--output", mended])
    #expect(recovered.status == .exited(0), "round \(round): \(recovered.errors)")
    let clean = try await Program.mwc.run(["verify", mended])
    #expect(clean.status == .exited(0), "round \(round): \(clean.outputText)\(clean.errors)")
    #expect(try await self.numbers(in: mended) == numbers, "round \(round): recover changed data")
  }

  private func numbers(in file: String) async throws -> [Int] {
    try await cat(file).filter(\.isText).map {
      try JSONDecoder().decode(Payload.self, from: $0.bytes).number
    }
  }

  /// What the peer knows the capture to have received; lines `ack CONNECTION NUMBER TIME`.
  private func acknowledgements(of peer: Peer, connection: Int) -> [Acknowledgement] {
    peer.child.text(of: .output).split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count == 4, fields[0] == "ack", fields[1] == "\(connection)",
        let number = Int(fields[2]), let time = Int64(fields[3])
      else { return nil }
      return Acknowledgement(number: number, time: time)
    }
  }
}
