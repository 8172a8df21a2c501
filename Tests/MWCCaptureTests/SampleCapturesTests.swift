import Foundation
import MWCCapture
import MWCCore
import MWCTestSupport
import Testing

/// The files of `captures/`, which every later version must read as this one does.
///
/// `MWC_MAKE_CAPTURES=1` writes those that are missing; a file that is there is never changed.
@Suite struct SampleCapturesTests {
  struct Entry: Sendable, CustomTestStringConvertible {
    var name: String
    /// Records that can be read from the front.
    var records: Int
    /// How the reading ends: `finished`, `unfinished`, or the code of the error.
    var outcome: String
    /// What `verify` says: its state, or the code of the error.
    var verified: String
    /// Records that `recover` keeps; nil when it refuses.
    var recovered: UInt64?
    var make: @Sendable () throws -> [UInt8]
    /// Its tail; nil where there is none.
    var makeTail: (@Sendable () throws -> [UInt8])?

    var testDescription: String { name }
  }

  static let entries: [Entry] = rows + columns + dialects

  private static let rows: [Entry] = [
    Entry(
      name: "finished", records: 13, outcome: "finished", verified: "finished", recovered: 13,
      make: { try story() }),
    Entry(
      name: "finished-stored", records: 13, outcome: "finished", verified: "finished",
      recovered: 13, make: { try story(level: 0) }),
    Entry(
      name: "finished-many-blocks", records: 13, outcome: "finished", verified: "finished",
      recovered: 13, make: { try story(blockSize: 1) }),
    Entry(
      name: "finished-empty", records: 0, outcome: "finished", verified: "finished", recovered: 0,
      make: { try capture([]) }),
    Entry(
      name: "finished-appended", records: 26, outcome: "finished", verified: "finished",
      recovered: 26, make: { try story(on: try story()) }),
    Entry(
      name: "finished-unknown-kinds", records: 3, outcome: "finished", verified: "finished",
      recovered: 3,
      make: {
        try capture(
          ([99, 200, 1] as [UInt8]).map { kind in
            var record = Record(Int(kind))
            record.kind = Message.Kind(rawValue: kind)
            return record
          })
      }),
    Entry(
      name: "unfinished", records: 13, outcome: "unfinished", verified: "unfinished",
      recovered: 13, make: { try story(finishing: false) }),
    Entry(
      name: "unfinished-torn", records: 12, outcome: "unfinished", verified: "unfinished",
      recovered: 12, make: { Array(try story(finishing: false).dropLast(5)) }),
    Entry(
      name: "unfinished-appended", records: 25, outcome: "finished", verified: "finished",
      recovered: 25, make: { try story(on: Array(try story(finishing: false).dropLast(5))) }),
    Entry(
      name: "damaged-flipped-bit", records: 3, outcome: "damaged", verified: "damaged",
      recovered: 12,
      make: {
        var bytes = try story(blockSize: 1)
        bytes[blockOffsets(bytes)[4] + 80] ^= 4
        return bytes
      }),
    Entry(
      name: "damaged-missing-blocks", records: 3, outcome: "damaged", verified: "damaged",
      recovered: 11,
      make: {
        var bytes = try story(blockSize: 1)
        let offsets = blockOffsets(bytes)
        bytes.removeSubrange(offsets[4]..<offsets[6])
        return bytes
      }),
    Entry(
      name: "damaged-head", records: 0, outcome: "not-a-capture", verified: "damaged",
      recovered: 13,
      make: {
        var bytes = try story()
        bytes.replaceSubrange(0..<16, with: repeatElement(0, count: 16))
        return bytes
      }),
    Entry(
      name: "bad-cut-in-head", records: 0, outcome: "damaged", verified: "damaged",
      recovered: nil, make: { Array(try story().prefix(20)) }),
    Entry(
      name: "bad-not-a-capture", records: 0, outcome: "not-a-capture", verified: "not-a-capture",
      recovered: nil, make: { Array("{\"type\": \"metrics\"}\n".utf8) }),
    Entry(
      name: "bad-newer-version", records: 0, outcome: "newer-version", verified: "newer-version",
      recovered: nil, make: { Forge(version: 2).bytes }),
    Entry(
      name: "bad-columns", records: 1, outcome: "unfinished", verified: "unfinished", recovered: 1,
      make: {
        var forge = Forge()
        forge.session()
        forge.block(
          kind: 2, encoding: 0, [.init(Forge.row(payload: Array("hi".utf8)))], records: 1)
        forge.block(kind: 2, encoding: 2, [.init([1, 2, 3])], records: 1, first: 1)
        return forge.bytes
      }),
    Entry(
      name: "unfinished-columns", records: 24, outcome: "unfinished", verified: "unfinished",
      recovered: 24,
      make: {
        var forge = Forge()
        forge.session()
        forge.append(columns: SampleCapturesTests.drift(24))
        return forge.bytes
      }),
    Entry(
      name: "bad-columns-bomb", records: 0, outcome: "damaged", verified: "damaged", recovered: 1,
      make: {
        var forge = Forge()
        forge.session()
        let body = ColumnTests.body(SampleCapturesTests.drift(4))
        forge.block(kind: 2, encoding: 2, [.init(body, rawLength: 16 << 20)], records: 4)
        forge.block(
          kind: 2, encoding: 0, [.init(Forge.row(payload: Array("hi".utf8)))], records: 1, first: 4)
        return forge.bytes
      }),
    Entry(
      name: "bad-encoding", records: 1, outcome: "unsupported", verified: "unsupported",
      recovered: nil,
      make: {
        var forge = Forge()
        forge.session()
        forge.block(
          kind: 2, encoding: 0, [.init(Forge.row(payload: Array("hi".utf8)))], records: 1)
        forge.block(kind: 2, encoding: 3, [.init([1, 2, 3])], records: 1, first: 1)
        return forge.bytes
      }),
    Entry(
      name: "bad-bomb", records: 0, outcome: "damaged", verified: "damaged", recovered: 1,
      make: {
        var forge = Forge()
        forge.session()
        forge.block(
          kind: 2, encoding: 1, [.init(Array(repeating: 0, count: 20), rawLength: 256 << 20)],
          records: 1)
        forge.block(
          kind: 2, encoding: 0, [.init(Forge.row(payload: Array("hi".utf8)))], records: 1, first: 1)
        return forge.bytes
      }),
  ]

  /// What recordings leave: dense blocks, an index, a tail.
  private static let columns: [Entry] = [
    Entry(
      name: "finished-columns", records: 49, outcome: "finished", verified: "finished",
      recovered: 49, make: { try recording(drift(48), finishing: true).capture }),
    Entry(
      name: "unfinished-tail", records: 49, outcome: "unfinished", verified: "unfinished",
      recovered: 49, make: { try recording(drift(48), finishing: false).capture },
      makeTail: { try recording(drift(48), finishing: false).tail }),
    Entry(
      name: "damaged-tail", records: 47, outcome: "unfinished", verified: "unfinished",
      recovered: 47, make: { try recording(drift(48), finishing: false).capture },
      makeTail: {
        var tail = try recording(drift(48), finishing: false).tail
        // In the last record but one.
        tail[tail.count - 200] ^= 0x20
        return tail
      }),
    Entry(
      name: "damaged-columns", records: 29, outcome: "damaged", verified: "damaged", recovered: 34,
      make: {
        var bytes = try recording(drift(48), finishing: true).capture
        bytes[blockOffsets(bytes)[3] + 100] ^= 1
        return bytes
      }),
    Entry(
      name: "damaged-columns-length", records: 44, outcome: "damaged", verified: "damaged",
      recovered: 44,
      make: {
        var bytes = try recording(drift(48), finishing: true).capture
        // The segment seems to reach beyond the end of the file.
        bytes[blockOffsets(bytes)[4] + 65] ^= 0x0C
        return bytes
      }),
    Entry(
      name: "cut-columns", records: 44, outcome: "unfinished", verified: "unfinished",
      recovered: 44,
      make: {
        let bytes = try recording(drift(48), finishing: true).capture
        return Array(bytes.prefix(blockOffsets(bytes)[4] + 100))
      }),
  ]

  /// A few messages as servers of each dialect send them.
  private static let dialects: [Entry] = [
    ("monitoring", 24), ("metrics", 24), ("smartlogger", 25), ("socketio", 27),
  ].map { name, count in
    Entry(
      name: "dialect-\(name)", records: count, outcome: "finished", verified: "finished",
      recovered: UInt64(count), make: { try recording(dialect(name), finishing: true).capture })
  }

  private static func message(of dialect: String, _ number: Int) -> String {
    let second = 10 + number
    let usage = "\(number * 37 % 100).\(number % 10)"
    let level = number % 3 == 0 ? "ERROR" : "INFO"
    switch dialect {
    case "monitoring":
      return
        #"{"type": "monitoring_data", "timestamp": "2026-11-21T10:00:\#(second).25\#(1000 + number)", "#
        + #""data": {"memory": {"total": 8589934592, "available": \#(6_000_000_000 - number * 4096), "#
        + #""used": \#(2_589_934_592 + number * 4096), "percentage": 30.1}, "#
        + #""processor": {"usage_percent": \#(usage), "per_core_usage": [\#(usage), 12.5]}}}"#
    case "metrics":
      return
        #"{"timestamp":1795255210.\#(100 + number),"cpu":{"percent_total":\#(usage),"#
        + #""percent_per_core":[\#(usage),100.0],"count":2},"#
        + #""memory":{"percent":7.0,"total_mb":24103.921875,"used_mb":\#(1680 + number).25}}"#
    case "smartlogger":
      return
        #"{"type":"logs","payload":[{"id":"\#(String(number * 7_919, radix: 16))","level":"\#(level)","#
        + #""message":"request \#(number) took \#(number * 13 % 90) ms: caf\u00e9"}]}"#
    default:
      return
        #"42["metrics",{"sid":"CCCC","cpu":\#(usage),"timestamp":"2026-11-21T10:00:\#(second).000001"}]"#
    }
  }

  /// Blocks of about ten records; what is flushed and not sealed stands in the tail.
  private static func recording(
    _ records: [Record], finishing: Bool
  ) throws -> TestPair.Image {
    var options = Sample.sealing
    options.blockSize = 1_500
    let pair = TestPair()
    let writer = try CaptureWriter(pair, options)
    for record in records {
      try writer.append(record)
      try writer.flush()
    }
    if finishing { try writer.close() }
    return pair.image
  }

  private static func dialect(_ name: String) -> [Record] {
    var texts: [(Message.Direction, String)] = []
    switch name {
    case "smartlogger":
      texts.append((.sent, #"{"type":"auth","data":{"userId":"user1","appId":"app"}}"#))
    case "socketio":
      texts += [
        (.received, #"0{"sid":"AAAA","upgrades":[],"pingTimeout":20000,"pingInterval":25000}"#),
        (.sent, "40"), (.received, #"40{"sid":"BBBB"}"#),
      ]
    default: break
    }
    for number in 0..<24 { texts.append((.received, message(of: name, number))) }
    return texts.enumerated().map { number, text in
      var record = Record(number)
      record.direction = text.0
      record.payload = Array(text.1.utf8)
      return record
    }
  }

  /// Messages of a host whose values drift, and a few that are something else.
  private static func drift(_ count: Int) -> [Record] {
    (0..<count).map { number in
      var text =
        #"{"type":"metrics","time":"2026-11-21T10:00:\#(10 + number).250000","cpu":\#(number % 7).5,"#
        + #""memory":{"total":8192,"used":\#(1000 + number * 3),"free":\#(7192 - number * 3)}}"#
      if number % 8 == 5 { text = "plain text \(number)" }
      let time = Int64(number) * 1_000_000_321
      return Record(
        wall: 1_795_255_210_251_000_000 + time, monotonic: Sample.monotonic + time,
        connection: UInt32(1 + number % 2), payload: Array(text.utf8))
    }
  }

  /// A connection opens, says some things of every kind, is lost, comes back and closes.
  private static func story(
    level: Int = 6, blockSize: Int = 1 << 20, finishing: Bool = true, on image: [UInt8] = []
  ) throws -> [UInt8] {
    var options = Sample.options
    options.level = level
    options.blockSize = blockSize
    let file = CrashingFile(image)
    let writer = try CaptureWriter(file, options)
    let steps: [(Message.Kind, Message.Direction, String)] = [
      (
        .opened, .received,
        #"{"uri":"ws://localhost:8765/","address":"127.0.0.1:8765","subprotocol":null,"#
          + #""extensions":"permessage-deflate","headers":{"server":"Python/3.11 websockets"}}"#
      ),
      (.text, .sent, #"{"subscribe":"metrics"}"#),
      (.text, .received, #"{"type":"metrics","cpu":{"usage":12.5}}"#),
      (.binary, .received, "\u{0}\u{1}\u{2}"),
      (.ping, .received, "are you there"),
      (.pong, .sent, "are you there"),
      (.text, .received, "not JSON, and no less worth keeping: \u{1F4BE}"),
      (.text, .received, ""),
      (.closed, .received, #"{"code":1006,"reason":"","by":"network"}"#),
      (
        .gap, .received,
        #"{"reason":"disconnected","messages":null,"bytes":null,"duration_ns":5000000000}"#
      ),
      (
        .opened, .received,
        #"{"uri":"ws://localhost:8765/","address":"127.0.0.1:8765","subprotocol":null,"#
          + #""extensions":null,"headers":{}}"#
      ),
      (.text, .received, #"{"type":"metrics","cpu":{"usage":12.75}}"#),
      (.note, .received, #"{"text":"deployment begins"}"#),
    ]
    for (number, step) in steps.enumerated() {
      let time = Int64(number) * 250_000_001 + (number >= 10 ? 5_000_000_000 : 0)
      try writer.append(
        Record(
          wall: Sample.wall + time, monotonic: Sample.monotonic + time,
          connection: step.0 == .note ? 0 : 1, direction: step.1, kind: step.0,
          payload: Array(step.2.utf8)))
      if number % 4 == 3 { try writer.flush() }
    }
    if finishing { try writer.close() } else { try writer.flush() }
    return file.contents
  }

  private static let folder = TestSupport.packageRoot + "/captures"

  private static func load(_ entry: Entry) throws -> [UInt8] {
    try load("\(entry.name).cap", entry.make)
  }

  private static func loadTail(_ entry: Entry) throws -> [UInt8] {
    try entry.makeTail.map { try load("\(entry.name).cap.tail", $0) } ?? []
  }

  private static func load(_ name: String, _ make: () throws -> [UInt8]) throws -> [UInt8] {
    let path = "\(folder)/\(name)"
    if ProcessInfo.processInfo.environment["MWC_MAKE_CAPTURES"] == "1",
      !FileManager.default.fileExists(atPath: path)
    {
      try Data(try make()).write(to: URL(fileURLWithPath: path))
    }
    return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  @Test(arguments: entries)
  func isReadAsItsNameSays(entry: Entry) throws {
    let bytes = try SampleCapturesTests.load(entry)
    let tail = try SampleCapturesTests.loadTail(entry)
    let reading = Reading(bytes, tail: tail)
    #expect(reading.records.count == entry.records)
    let outcome =
      switch reading.ending {
      case .finished: "finished"
      case .unfinished: "unfinished"
      case nil: reading.error?.code.rawValue ?? "nothing"
      }
    #expect(outcome == entry.outcome)

    var verified = ""
    do {
      verified = try CaptureVerification.verify(
        TestPair(bytes, tail: tail).source, name: "x"
      ).state.rawValue
    } catch { verified = error.code.rawValue }
    #expect(verified == entry.verified)

    let output = CrashingFile()
    do throws(CaptureError) {
      let recovery = try recover(bytes, tail: tail, to: output)
      #expect(recovery.records == entry.recovered)
    } catch {
      #expect(entry.recovered == nil, "\(error)")
      #expect(Reading(output.contents).ending != .finished)
      return
    }
    #expect(try CaptureVerification.verify(output, name: "y").state == .finished)
  }

  /// The reader in Python, which knows nothing but `docs/FORMAT.md`, reads the same of each file, and
  /// complains where we do.
  @Test(
    .enabled(if: PythonReader.isThere, "there is no python3 on this machine"), arguments: entries)
  func pythonReadsTheSame(entry: Entry) async throws {
    let reading = Reading(
      try SampleCapturesTests.load(entry), tail: try SampleCapturesTests.loadTail(entry))
    let result = try await PythonReader.run("\(SampleCapturesTests.folder)/\(entry.name).cap")
    let records = result.lines.filter { $0.hasPrefix(#"{"record""#) }
    // It names every kind, and does not look whether a last block that does not fit was cut off.
    #expect(records.count == reading.records.count)
    let isSound = reading.error == nil && entry.name != "bad-columns"
    #expect(result.status == .exited(isSound ? 0 : 1), "\(result.errors)")
    #expect(result.errors.isEmpty == isSound)
    guard isSound else { return }
    let read = try await PythonReader.read("\(SampleCapturesTests.folder)/\(entry.name).cap")
    #expect(read.records == reading.records)
    #expect(read.finished == (reading.ending == .finished))
  }

  @Test func everyFileIsInTheTable() throws {
    let readme = try String(
      contentsOfFile: SampleCapturesTests.folder + "/README.md", encoding: .utf8)
    let files = try FileManager.default.contentsOfDirectory(atPath: SampleCapturesTests.folder)
      .filter { $0.hasSuffix(".cap") }.sorted()
    #expect(files == SampleCapturesTests.entries.map { "\($0.name).cap" }.sorted())
    for entry in SampleCapturesTests.entries {
      let kept = entry.recovered.map { "\($0)" } ?? "–"
      let start =
        "| `\(entry.name).cap` | \(entry.records) | \(entry.outcome) | \(entry.verified) | \(kept) |"
      #expect(readme.contains(start), "\(start)")
    }
  }

  /// What was committed is still what we would write, apart from what zlib's version decides.
  @Test func whatWeWriteHasNotChanged() throws {
    for entry in SampleCapturesTests.entries where entry.name.contains("stored") {
      #expect(try SampleCapturesTests.load(entry) == entry.make())
    }
  }
}
