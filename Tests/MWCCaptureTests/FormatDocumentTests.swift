import Foundation
import MWCCapture
import MWCCore
import MWCTestSupport
import Testing

/// `docs/FORMAT.md` says what the code does.
@Suite struct FormatDocumentTests {
  /// The capture of the worked example.
  static func example() throws -> [UInt8] {
    var options = Sample.options
    options.level = 0
    let file = CrashingFile()
    let session = CaptureSession(
      wallAnchor: 1_790_000_000_000_000_000, monotonicAnchor: 5_000_000_000, utcOffset: 3600,
      tool: "mwc 0.1.0", uris: ["ws://localhost:8765/"])
    let writer = try CaptureWriter(file, options, session: session)
    try writer.append(
      Record(
        wall: 1_790_000_000_000_000_000 + 1_500_000, monotonic: 5_000_000_000 + 1_500_000,
        payload: Array(#"{"a":1}"#.utf8)))
    try writer.append(
      Record(
        wall: 1_790_000_000_000_000_000 + 1_500_700, monotonic: 5_000_000_000 + 1_500_700,
        direction: .sent, kind: .pong, payload: []))
    try writer.close()
    return file.contents
  }

  @Test func theWorkedExampleIsWhatWeWrite() throws {
    let document = try String(
      contentsOfFile: TestSupport.packageRoot + "/docs/FORMAT.md", encoding: .utf8)
    let block = try #require(
      document.components(separatedBy: "```hex\n").dropFirst().first?
        .components(separatedBy: "```").first)
    let bytes = try block.split(separator: "\n").flatMap { line in
      try line.split(separator: "|", maxSplits: 1)[0].split(separator: " ").map {
        try #require(UInt8($0, radix: 16), "\($0)")
      }
    }
    let example = try FormatDocumentTests.example()
    #expect(bytes == example)
    if bytes != example { TestSupport.say(FormatDocumentTests.hex(example)) }
  }

  /// To mend the document when the format gains something.
  private static func hex(_ bytes: [UInt8]) -> String {
    stride(from: 0, to: bytes.count, by: 16).map { start in
      bytes[start..<min(start + 16, bytes.count)].map {
        ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true)
      }.joined(separator: " ")
    }.joined(separator: "\n")
  }

  @Test func theLimitsAreThose() throws {
    let document = try String(
      contentsOfFile: TestSupport.packageRoot + "/docs/FORMAT.md", encoding: .utf8)
    #expect(CaptureFormat.maxPayload == 256 << 20)
    #expect(document.contains("| payload of a record | 256 MiB |"))
    #expect(CaptureFormat.maxRawSegment == (256 << 20) + (64 << 10))
    #expect(document.contains("| raw length of a segment | 256 MiB + 64 KiB |"))
    #expect(CaptureFormat.maxConnection == 4096)
    #expect(document.contains("| connection | 4,096 |"))
    #expect(CaptureFormat.version == 1)
    #expect(document.contains("# The capture format, version 1"))
  }
}
