import Foundation
import MWCCore
import MWCTestSupport
import SystemPackage
import Testing

@testable import MWCCapture

/// Imports of files that are cut, flipped, or that lie: an error with a place, or a sound capture.
@Suite struct ImportDamageTests {
  /// A file of `Tests/Fuzz/import`.
  private static func sample(_ name: String) throws -> [UInt8] {
    Array(
      try Data(
        contentsOf: URL(fileURLWithPath: TestSupport.packageRoot + "/Tests/Fuzz/import/" + name)))
  }

  private static func format(_ name: String) -> CaptureImport.Format {
    if name.hasSuffix(".mcap") { return .mcap }
    if name.hasSuffix(".har") { return .har }
    var options = JSONLinesImporter.Options()
    if name.hasSuffix(".log") { options.timePath = "t" }
    return .jsonLines(options)
  }

  private static func read(
    _ source: any CaptureSource, _ format: CaptureImport.Format
  ) throws(CaptureError) -> (outcome: CaptureImport, capture: Reading) {
    let target = CrashingFile()
    let outcome = try CaptureImport.read(source, name: "a file", as: format) {
      (session) throws(CaptureError) in
      try CaptureWriter(target, session: session)
    }
    return (outcome, Reading(target.contents))
  }

  private func check(_ bytes: [UInt8], _ format: CaptureImport.Format, _ what: Comment) {
    do {
      let (outcome, capture) = try Self.read(CrashingFile(bytes), format)
      #expect(capture.error == nil, what)
      #expect(capture.ending == .finished, what)
      #expect(UInt64(capture.records.count) == outcome.records, what)
    } catch {
      #expect(error.file == "a file", what)
      #expect([.damaged, .tooLarge, .unsupported].contains(error.code), what)
      #expect((error.offset ?? 0) <= Int64(bytes.count), what)
    }
  }

  private static let names = [
    "sample.jsonl", "plain.log", "sample.har", "sample.mcap", "lz4.mcap", "zstd.mcap",
  ]

  @Test(arguments: names)
  func wholeIsRead(name: String) throws {
    let (outcome, capture) = try Self.read(
      CrashingFile(try Self.sample(name)), Self.format(name))
    #expect(outcome.records > 0)
    #expect(capture.ending == .finished)
    // What comes late is kept where it stands, at the time that it tells.
    #expect(Set(capture.records.map(\.wall)).count > 1)
    #expect(capture.records.map(\.monotonic) == capture.records.map(\.monotonic).sorted())
  }

  @Test(arguments: names)
  func anyCut(name: String) throws {
    let bytes = try Self.sample(name)
    for length in 0..<bytes.count {
      check(Array(bytes[..<length]), Self.format(name), "\(name) cut to \(length) bytes")
    }
  }

  @Test(arguments: names)
  func anyFlippedByte(name: String) throws {
    var generator = TestSupport.generator(for: "ImportDamageTests.anyFlippedByte.\(name)")
    let bytes = try Self.sample(name)
    for index in bytes.indices {
      var bytes = bytes
      bytes[index] ^= UInt8.random(in: 1...255, using: &generator)
      check(bytes, Self.format(name), "\(name) with another byte at \(index)")
    }
  }

  /// Lengths that lie cost neither memory nor time.
  @Test func lengthsThatLie() throws {
    let bytes = try Self.sample("zstd.mcap")
    for index in 8..<bytes.count - 8 {
      for lie in [UInt64.max, 1 << 62, 1 << 40, 600 << 20] {
        var bytes = bytes
        for byte in 0..<8 { bytes[index + byte] = UInt8(truncatingIfNeeded: lie >> (8 * byte)) }
        check(bytes, .mcap, "\(lie) at \(index)")
      }
    }
  }

  @Test func aLineThatNeverEnds() {
    var lines = LineReader(SourceWindow(EndlessLine(), name: "a file"), limit: 1 << 20)
    let error = #expect(throws: CaptureError.self) {
      try lines.forEach { (_, _, _) throws(CaptureError) in }
    }
    #expect(error?.code == .tooLarge)
    #expect(error?.reason.hasPrefix("line 1: longer than") == true)
  }

  @Test func chunksFailTheirChecksum() throws {
    var bytes = try Self.sample("sample.mcap")
    let text = Array("not JSON".utf8)
    let place = try #require(
      bytes.indices.first { bytes[$0...].prefix(text.count).elementsEqual(text) })
    bytes[place] ^= 1
    let error = #expect(throws: CaptureError.self) { try Self.read(CrashingFile(bytes), .mcap) }
    #expect(error?.reason == "a chunk fails its checksum")
    #expect(error?.offset != nil)
  }

  /// A head with thousands of long names is still a head.
  @Test func manyConnectionsHaveShortNames() throws {
    let entries = (0..<256).map {
      #"{"request":{"url":"wss://\#(String(repeating: "h", count: 9_000))/\#($0)"},"#
        + #""_webSocketMessages":[{"type":"send","time":\#(1_700_000_000 + $0),"opcode":1,"data":""}]}"#
    }
    func archive(_ entries: [String]) -> [UInt8] {
      Array("{\"log\":{\"entries\":[\(entries.joined(separator: ","))]}}".utf8)
    }
    let (outcome, capture) = try Self.read(CrashingFile(archive(entries)), .har)
    #expect(outcome.records == 256)
    #expect(capture.records.map(\.connection) == Array(1...256))
    let error = #expect(throws: CaptureError.self) {
      try Self.read(CrashingFile(archive(entries + [entries[0]])), .har)
    }
    #expect(error?.code == .tooLarge)
  }
}

/// A stream of one line without an end.
private final class EndlessLine: CaptureSource {
  func size() throws(Errno) -> Int64? { nil }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Errno) -> Int {
    unsafe buffer.initializeMemory(as: UInt8.self, repeating: UInt8(ascii: "x"))
    return buffer.count
  }
}
