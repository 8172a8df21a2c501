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

  /// The bytes of one of the examples, without what is said about them.
  private static func documented(_ number: Int) throws -> [UInt8] {
    let document = try String(
      contentsOfFile: TestSupport.packageRoot + "/docs/FORMAT.md", encoding: .utf8)
    let blocks = document.components(separatedBy: "```hex\n").dropFirst()
    let block = try #require(
      blocks.dropFirst(number).first?.components(separatedBy: "```").first)
    return try block.split(separator: "\n").flatMap { line in
      try line.split(separator: "|", maxSplits: 1)[0].split(separator: " ").map {
        try #require(UInt8($0, radix: 16), "\($0)")
      }
    }
  }

  @Test func theWorkedExampleIsWhatWeWrite() throws {
    let bytes = try FormatDocumentTests.documented(1)
    let example = try FormatDocumentTests.example()
    #expect(bytes == example)
    if bytes != example { TestSupport.say(FormatDocumentTests.hex(example)) }
  }

  /// The messages of the example in columns.
  static func columns() -> [Record] {
    let values = ["12.5", "12.7", "13.2", "12.9", "12.6", "12.4"]
    return values.enumerated().map { number, value in
      let time = Int64(number) * 1_000_000_000 + (number == 3 ? 2000 : 0)
      return Record(
        wall: 1_790_000_000_000_000_000 + time, monotonic: 5_000_000_000 + time,
        payload: Array("{\"cpu\": \(value), \"on\": \(number != 3)}".utf8))
    }
  }

  @Test func theBlockInBytesIsWhatItSays() throws {
    let body = try FormatDocumentTests.documented(0)
    let records = FormatDocumentTests.columns()
    #expect(ColumnTests.rawLength(records) == 247)
    #expect(ColumnTests.decode(body, like: records) == records)
    // No byte of it is without meaning, but for divisors of what is all zero.
    for index in body.indices where index != 17 && index != 39 {
      var changed = body
      changed[index] ^= 0x15
      #expect(ColumnTests.decode(changed, like: records) != records, "byte \(index)")
    }
  }

  @Test(.enabled(if: PythonReader.isThere, "there is no python3 on this machine"))
  func pythonReadsTheBlockInBytes() async throws {
    let records = FormatDocumentTests.columns()
    var forge = Forge()
    forge.session()
    forge.append(
      columns: records, body: try FormatDocumentTests.documented(0), first: 0)
    let folder = try TemporaryFolder()
    let read = try await PythonReader.read(try folder.write(forge.bytes, to: "x.cap"))
    #expect(read.records == records)
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
