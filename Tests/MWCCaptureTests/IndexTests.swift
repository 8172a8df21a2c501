import MWCCapture
import MWCCore
import MWCTestSupport
import Testing

@Suite struct IndexTests {
  /// So many blocks that there are several index blocks, over several sessions.
  @Test func manyBlocksMakeSeveralIndexBlocks() throws {
    let file = CrashingFile()
    var options = Sample.options
    options.level = 0
    options.blockSize = 1
    let count = 6000
    for session in 0..<2 {
      let writer = try CaptureWriter(file, options)
      for number in 0..<count / 2 * (session + 1) {
        try writer.append(Record(session * count / 2 + number))
      }
      try writer.close()
    }
    let total = count / 2 * 3
    let verification = try CaptureVerification.verify(file, name: "x")
    #expect(verification.state == .finished, "\(verification.contradictions)")
    #expect(verification.records == UInt64(total))
    #expect(verification.blocks == total + 2 + 3)

    var reader = try CaptureReader.open(file, name: "x")
    let map = try reader.loadMap()
    #expect(map.trailer?.recordCount == UInt64(total))
    #expect(map.entries.count == total + 2)
    #expect(map.tallies?.total().messages == UInt64(total))
    for number in [0, 4095, 4096, 5000, 2999, 8999] {
      try reader.seek(toWallTime: Record(number).wall)
      let hasFound = try reader.advance()
      let found = Record(reader.current)
      #expect(hasFound)
      #expect(found == Record(number))
    }
  }

  @Test func sumsUpFromTheIndexAndByReading() throws {
    var options = Sample.options
    options.blockSize = 500
    let file = CrashingFile()
    let writer = try CaptureWriter(file, options)
    for number in 0..<100 {
      var record = Record(number, size: number)
      if number % 10 == 0 { record.kind = .ping }
      if number % 7 == 0 { record.direction = .sent }
      if number == 50 || number == 60 { record.kind = .opened }
      record.connection = UInt32(number % 3 + 1)
      try writer.append(record)
      if number == 98 { try writer.flush() }
    }
    try writer.flush()
    let unfinished = try CaptureSummary(CrashingFile(file.contents), name: "x")
    try writer.close()
    let finished = try CaptureSummary(file, name: "x")
    for summary in [finished, unfinished] {
      #expect(summary.records.messages == 100)
      #expect(summary.messages.messages == 90)
      #expect(summary.duration == 99_000_000)
      #expect(summary.times.minWall == Record(0).wall)
      #expect(summary.times.maxWall == Record(99).wall)
      #expect(summary.sessions == [Sample.session])
      #expect(summary.kinds.map(\.kind) == [.text, .ping, .opened])
      #expect(summary.kinds.map(\.tally.messages) == [90, 8, 2])
      #expect(abs(summary.messageRate - 90 / 0.099) < 1e-6)
      #expect(summary.connections.map(\.number) == [1, 2, 3])
      #expect(summary.connections[0].uri == "ws://localhost:8765/")
      #expect(summary.connections.map(\.reconnects) == [0, 0, 0])
      let counted = summary.connections.reduce(UInt64(0)) {
        $0 + $1.received.messages + $1.sent.messages
      }
      #expect(counted == 90)
      #expect(summary.encodings.map(\.encoding) == [.deflated])
      #expect(summary.encodings.allSatisfy { $0.ratio > 1.5 })
      #expect(summary.gapCount == 0)
    }
    #expect(finished.ending == .finished)
    #expect(finished.blocks == unfinished.blocks)
    #expect(
      unfinished.ending
        == .unfinished(end: Int64(unfinished.fileSize), excess: 0))
  }

  @Test func sumsUpGapsAndReconnects() throws {
    let file = CrashingFile()
    let writer = try CaptureWriter(file)
    for number in 0..<3 {
      var opened = Record(number)
      opened.kind = .opened
      opened.payload = Array("{}".utf8)
      try writer.append(opened)
    }
    var gap = Record(3)
    gap.kind = .gap
    for json in [
      #"{"reason":"overload","messages":7,"bytes":700,"duration_ns":5}"#,
      #"{"reason":"disconnected","messages":null,"bytes":null,"duration_ns":9}"#,
    ] {
      gap.payload = Array(json.utf8)
      try writer.append(gap)
    }
    try writer.close()
    let summary = try CaptureSummary(file, name: "x")
    #expect(summary.gapCount == 2)
    #expect(summary.missingMessages == 7)
    #expect(
      summary.gaps.map(\.record) == [
        GapRecord(reason: "overload", messages: 7, bytes: 700, duration: 5),
        GapRecord(reason: "disconnected", messages: nil, bytes: nil, duration: 9),
      ])
    #expect(summary.connections.map(\.reconnects) == [2])
  }

  @Test func sumsUpWhatStandsBeforeDamage() throws {
    let (bytes, _) = try DamageTests.sample(finished: true)
    var damaged = bytes
    damaged[blockOffsets(bytes)[3] + 90] ^= 1
    let summary = try CaptureSummary(CrashingFile(Array(damaged.dropLast(64))), name: "x")
    #expect(summary.damage?.code == .damaged)
    #expect(summary.records.messages > 0)
    #expect(summary.fileSize == Int64(damaged.count - 64))
  }

  @Test func gapsAreReadBackAsWritten() {
    for gap in [
      GapRecord(reason: "disk-full", messages: 12, bytes: 6720, duration: 1_000_000_000),
      GapRecord(reason: "damaged", messages: nil, bytes: nil, duration: -1),
    ] {
      var record = Record(0)
      record.payload = Array(gap.json.utf8)
      #expect(record.gap == gap)
    }
    var odd = Record(0)
    odd.payload = Array(#"[1,2]"#.utf8)
    #expect(odd.gap == GapRecord(reason: "", messages: nil, bytes: nil, duration: 0))
  }
}
