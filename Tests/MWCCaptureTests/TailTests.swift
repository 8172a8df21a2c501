import MWCCapture
import MWCCore
import MWCTestSupport
import SystemPackage
import Testing

/// The way of records through the tail into dense blocks, where nothing goes wrong.
@Suite struct TailTests {
  static var options: CaptureWriter.Options {
    var options = Sample.sealing
    options.blockSize = 2000
    return options
  }

  @Test func whatIsFlushedStandsInTheTail() throws {
    let pair = TestPair()
    let writer = try CaptureWriter(pair, TailTests.options)
    let start = pair.capture.contents
    #expect(pair.tail.contents.isEmpty)
    var records: [Record] = []
    for number in 0..<10 {
      records.append(Record(number))
      try writer.append(records[number])
      try writer.flush()
      #expect(Reading(pair.capture.contents, tail: pair.tail.contents).records == records)
    }
    #expect(pair.capture.contents == start)
    try writer.close()
    #expect(pair.tail.contents.isEmpty)
    #expect(Reading(pair.capture.contents).records == records)
    #expect(Reading(pair.capture.contents).ending == .finished)
    #expect(try CaptureVerification.verify(pair.capture, name: "x").state == .finished)
  }

  @Test func recordsThatFillABlockDoNotTouchTheTail() throws {
    let pair = TestPair()
    let writer = try CaptureWriter(pair, TailTests.options)
    for number in 0..<100 { try writer.append(Record(number, size: 100)) }
    try writer.close()
    #expect(pair.tail.log.allSatisfy { if case .write = $0 { false } else { true } })
    #expect(Reading(pair.capture.contents).records.count == 100)
  }

  @Test func theTailIsDroppedWhenTheBlockIsOnTheDevice() throws {
    let pair = TestPair()
    var options = TailTests.options
    options.syncInterval = .seconds(1)
    let writer = try CaptureWriter(pair, options)
    var number = 0
    func fill() throws {
      for _ in 0..<30 {
        try writer.append(Record(number, size: 50))
        number += 1
        if number % 3 == 0 { try writer.flush() }
      }
    }
    try fill()
    let before = pair.tail.contents.count
    #expect(before > 2000, "no sync, nothing dropped")
    writer.sync()
    // Rows stand behind the sealed blocks: the next seal drops them all.
    try fill()
    #expect(pair.tail.contents.count < before)
    try writer.close()
    #expect(Reading(pair.capture.contents).records == (0..<60).map { Record($0, size: 50) })
  }

  @Test func withoutSyncsTheTailIsDroppedAtOnce() throws {
    let pair = TestPair()
    var options = TailTests.options
    options.syncInterval = nil
    let writer = try CaptureWriter(pair, options)
    for number in 0..<200 {
      try writer.append(Record(number, size: 50))
      try writer.flush()
      #expect(pair.tail.contents.count < 6000)
    }
    try writer.close()
    #expect(writer.statistics.syncs == 0)
    #expect(Reading(pair.capture.contents).records.count == 200)
  }

  @Test func aLargeMessageIsABlockOfItsOwn() throws {
    let pair = TestPair()
    let writer = try CaptureWriter(pair, TailTests.options)
    let records = [0, 5000, 10, 2000, 1].enumerated().map { Record($0, size: $1) }
    for record in records {
      try writer.append(record)
      try writer.flush()
      #expect(
        Reading(pair.capture.contents, tail: pair.tail.contents).records.last == record)
    }
    try writer.close()
    #expect(Reading(pair.capture.contents).records == records)
  }

  @Test func hurriesWhenToldTo() throws {
    let pair = TestPair()
    let writer = try CaptureWriter(pair, TailTests.options)
    let records = (0..<300).map { Record($0, size: 50) }
    for (number, record) in records.enumerated() {
      writer.isHurried = number / 100 == 1
      try writer.append(record)
    }
    #expect(writer.statistics.hurriedBlocks > 2)
    try writer.close()
    #expect(Reading(pair.capture.contents).records == records)
    let summary = try CaptureSummary(pair.capture, name: "x")
    #expect(summary.encodings.contains { $0.encoding == .stored })
  }

  // MARK: Reading on

  /// A reader that follows sees every record once, whatever happens to it meanwhile.
  @Test func aReaderFollowsThroughEverySeal() throws {
    let syncs: [Duration?] = [.zero, .seconds(1), nil]
    for sync in syncs {
      let pair = TestPair()
      var options = TailTests.options
      options.syncInterval = sync
      let writer = try CaptureWriter(pair, options)
      var reader = try CaptureReader.open(pair.source, name: "x")
      var read: [Record] = []
      for number in 0..<300 {
        try writer.append(Record(number, size: number % 60))
        if number % 3 == 0 { try writer.flush() }
        if number % 17 == 0 { writer.sync() }
        guard number % 5 == 0 else { continue }
        while let message = try reader.next() { read.append(Record(message)) }
        #expect(read == (0..<read.count).map { Record($0, size: $0 % 60) })
        #expect(read.count >= number - number % 3)
      }
      try writer.close()
      while let message = try reader.next() { read.append(Record(message)) }
      #expect(read == (0..<300).map { Record($0, size: $0 % 60) })
      #expect(reader.ending == .finished)
    }
  }

  @Test func seeksInWhatIsNotSealedYet() throws {
    let pair = TestPair()
    let writer = try CaptureWriter(pair, TailTests.options)
    for number in 0..<100 {
      try writer.append(Record(number, size: 50))
      try writer.flush()
    }
    var reader = try CaptureReader.open(pair.source, name: "x")
    for target in [0, 99, 50, 98, 3, 97] {
      try reader.seek(toWallTime: Record(target).wall)
      let isThere = try reader.advance()
      try #require(isThere)
      let found = Record(reader.current)
      #expect(found == Record(target, size: 50))
    }
    // It goes on: what was sought is in the capture now, and not in the tail.
    try writer.close()
    for target in [99, 20] {
      try reader.seek(toWallTime: Record(target).wall)
      let isThere = try reader.advance()
      try #require(isThere)
      let found = Record(reader.current)
      #expect(found == Record(target, size: 50))
    }
  }

  // MARK: Other tails

  @Test func theTailOfAnotherRecordingIsNotRead() throws {
    let pair = TestPair()
    let writer = try CaptureWriter(pair, TailTests.options)
    try writer.append(Record(0))
    try writer.flush()
    let other = TestPair()
    let otherWriter = try CaptureWriter(
      file: other.capture, tail: other.tail, name: "other.cap", session: Sample.session,
      options: TailTests.options, fileID: 4711)
    try otherWriter.append(Record(1))
    try otherWriter.flush()
    #expect(Reading(pair.capture.contents, tail: other.tail.contents).records.isEmpty)
    let mixed = TestPair(pair.capture.contents, tail: other.tail.contents)
    #expect(throws: CaptureError.self) { try CaptureWriter(mixed, TailTests.options) }
    #expect(mixed.tail.contents == other.tail.contents)
  }

  /// A tail that ends anywhere gives what is complete; so does one with any byte changed.
  @Test func aCutOrDamagedTailGivesWhatFits() throws {
    let pair = TestPair()
    let writer = try CaptureWriter(pair, TailTests.options)
    let records = (0..<50).map { Record($0, size: 20) }
    for record in records {
      try writer.append(record)
      try writer.flush()
    }
    let (capture, tail) = (pair.capture.contents, pair.tail.contents)
    for length in 0...tail.count {
      let reading = Reading(capture, tail: Array(tail.prefix(length)))
      #expect(reading.error == nil)
      #expect(reading.records.elementsEqual(records.prefix(reading.records.count)))
    }
    for offset in tail.indices {
      var damaged = tail
      damaged[offset] ^= 0x10
      let reading = Reading(capture, tail: damaged)
      #expect(reading.error == nil)
      #expect(reading.records.elementsEqual(records.prefix(reading.records.count)))
    }
  }

  @Test func theTailAloneCanBeRecovered() throws {
    let pair = TestPair()
    let writer = try CaptureWriter(pair, TailTests.options)
    let records = (0..<40).map { Record($0, size: 60) }
    for record in records {
      try writer.append(record)
      try writer.flush()
    }
    writer.sync()
    let output = CrashingFile()
    try recover(pair.tail.contents, to: output)
    let kept = Reading(output.contents).records.filter { $0.kind == .text }
    // What filled a block before it was flushed never stood in the tail.
    #expect(kept.count > 30 && kept.last == records.last)
    #expect(kept.allSatisfy { records.contains($0) } && Set(kept).count == kept.count)
  }
}
