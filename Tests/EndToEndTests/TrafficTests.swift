import Foundation
import MWCTestSupport
import Testing

/// How a peer puts messages on the wire.
enum Wire: String, CaseIterable, CustomTestStringConvertible {
  case plain, compressed, fragmented, compressedFragments

  var peerArguments: [String] {
    switch self {
    case .plain: []
    case .compressed: ["--compression"]
    case .fragmented: ["--fragment", "1000"]
    case .compressedFragments: ["--compression", "--fragment", "1000"]
    }
  }

  var testDescription: String { rawValue }
}

/// What a server sends is what a capture holds and what a replay gives back: payloads, opcodes and
/// order, to the byte.
@Suite(.fewAtATime) struct TrafficTests {
  @Test(.needsSharedFolder, arguments: TrafficFile.names, Wire.allCases)
  func recordedConversationSurvives(name: String, wire: Wire) async throws {
    let traffic = try TrafficFile(named: name)
    let folder = try TemporaryFolder()
    let capture = try await record(traffic.path, wire: wire, in: folder)
    try await expect(capture, holds: traffic.received)
  }

  /// Around every limit of a frame header, and well beyond the sizes of buffers.
  @Test(arguments: Wire.allCases)
  func everySizeSurvives(wire: Wire) async throws {
    let folder = try TemporaryFolder()
    let sizes = [0, 1, 2, 125, 126, 127, 4095, 4096, 65535, 65536, 65537, 1 << 20, 0, 3]
    var generator = TestSupport.generator(for: "everySizeSurvives")
    let sent = sizes.flatMap { size in
      [
        TrafficFile.Record(
          received: .text,
          payload: Data((0..<size).map { _ in UInt8.random(in: 32..<127, using: &generator) })),
        TrafficFile.Record(
          received: .binary,
          payload: Data((0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) })),
      ]
    }
    let capture = try await record(try write(sent, in: folder), wire: wire, in: folder)
    try await expect(capture, holds: sent)
  }

  /// The largest message there is by default, and one byte more.
  @Test(arguments: Wire.allCases)
  func largestMessageSurvives(wire: Wire) async throws {
    let folder = try TemporaryFolder()
    let pattern = Data((0..<65536).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })
    var payload = Data(capacity: 64 << 20)
    while payload.count < 64 << 20 { payload.append(pattern) }
    let sent = [
      TrafficFile.Record(received: .binary, payload: payload)
    ]
    let capture = try await record(try write(sent, in: folder), wire: wire, in: folder)
    try await expect(capture, holds: sent)
  }

  @Test func messageAboveTheLimitIsRefusedClearly() async throws {
    let folder = try TemporaryFolder()
    let sent = [
      TrafficFile.Record(received: .binary, payload: Data(count: 64 << 20 + 1))
    ]
    let file = try write(sent, in: folder)
    let peer = try await Peer("play.py", [file])
    let capture = folder.file("out.cap")
    let result = try await Program.capture.run([
      "--uri", peer.uri, "--output", capture, "--no-reconnect", "--quiet",
    ])
    expectFailure(result, code: 76, naming: ["limit of 64"])
    let verified = try await Program.mwc.run(["verify", capture])
    #expect(verified.status == .exited(0), "\(verified.outputText)\(verified.errors)")
  }

  /// Writes records as a peer reads them.
  private func write(_ records: [TrafficFile.Record], in folder: TemporaryFolder) throws -> String {
    var content = Data()
    for record in records {
      var fields = ["dir": record.direction.rawValue, "op": record.operation.rawValue]
      if record.operation == .text {
        fields["data"] = String(decoding: record.payload, as: UTF8.self)
      } else {
        fields["b64"] = record.payload.base64EncodedString()
      }
      content.append(try JSONEncoder().encode(fields))
      content.append(UInt8(ascii: "\n"))
    }
    return try folder.write(content, to: "sent.jsonl")
  }

  /// Lets a peer play a conversation to `mwc-capture`; returns the capture.
  private func record(_ file: String, wire: Wire, in folder: TemporaryFolder) async throws -> String
  {
    let peer = try await Peer("play.py", [file] + wire.peerArguments)
    let capture = folder.file("out.cap")
    let result = try await Program.capture.run([
      "--uri", peer.uri, "--output", capture, "--no-reconnect",
    ])
    try #require(result.status == .exited(0), "\(result.errors)")
    return capture
  }

  /// Compares a capture, by way of `cat`, `verify` and `mwc-replay`, with what was sent.
  private func expect(_ capture: String, holds sent: [TrafficFile.Record]) async throws {
    let verified = try await Program.mwc.run(["verify", capture])
    #expect(verified.status == .exited(0), "\(verified.outputText)\(verified.errors)")

    let recorded = try await cat(capture).filter { $0.opcode != nil }
    try #require(recorded.count == sent.count)
    for (index, (record, original)) in zip(recorded, sent).enumerated() {
      try #require(record.opcode == original.operation.rawValue, "record \(index)")
      try #require(record.direction == "in", "record \(index)")
      let bytes = try record.bytes
      // Compared first: a difference of megabytes is not worth printing.
      let isEqual = bytes == original.payload
      try #require(isEqual, "payload of record \(index) differs")
    }
    #expect(recorded.map(\.time) == recorded.map(\.time).sorted())

    let replayed = try await Program.replay.run([
      capture, "--speed", "max", "--format", "raw",
    ])
    #expect(replayed.status == .exited(0), "\(replayed.errors)")
    var expected = Data()
    for record in sent where record.operation == .text || record.operation == .binary {
      expected.append(record.payload)
      expected.append(UInt8(ascii: "\n"))
    }
    let isEqual = replayed.output == expected
    #expect(isEqual, "mwc-replay --format raw gives other bytes than were sent")
  }
}
