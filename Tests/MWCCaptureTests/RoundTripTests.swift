import MWCCapture
import MWCCore
import MWCTestSupport
import Testing

@Suite struct RoundTripTests {
  @Test(arguments: [0, 1, 6, 9])
  func keepsEveryKindAndSize(level: Int) throws {
    var options = Sample.options
    options.level = level
    var records: [Record] = []
    let kinds: [Message.Kind] = [
      .text, .binary, .ping, .pong, .opened, .closed, .error, .state, .gap, .clockJump, .note,
      .init(rawValue: 77), .init(rawValue: 200),
    ]
    for (number, kind) in kinds.enumerated() {
      for direction in [Message.Direction.received, .sent] {
        var record = Record(number, size: number)
        record.kind = kind
        record.direction = direction
        record.connection = UInt32(number * 300)
        records.append(record)
      }
    }
    for size in [0, 1, 127, 128, 65_535, 65_536, 65_537, 300_000, 1 << 20] {
      var record = Record(records.count)
      record.payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
      records.append(record)
    }
    let reading = Reading(try capture(records, options))
    #expect(reading.error == nil)
    #expect(reading.ending == .finished)
    #expect(reading.records == records)
  }
}

extension RoundTripTests {
  /// Anything goes in, in any order of times, and comes out the same.
  @Test func keepsWhatChanceMakes() throws {
    var generator = TestSupport.generator(for: "RoundTripTests.keepsWhatChanceMakes")
    for round in 0..<40 {
      var options = Sample.options
      options.level = Int.random(in: 0...9, using: &generator)
      options.blockSize = [1, 100, 5000, 1 << 20].randomElement(using: &generator) ?? 1
      options.flushInterval = Bool.random(using: &generator) ? .zero : .milliseconds(100)
      let records = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
        Record.random(using: &generator)
      }
      let file = CrashingFile()
      let writer = try CaptureWriter(file, options)
      for record in records {
        try writer.append(record)
        if Int.random(in: 0..<4, using: &generator) == 0 { try writer.flush() }
      }
      try writer.close()
      let reading = Reading(file.contents)
      #expect(reading.error == nil, "round \(round)")
      #expect(reading.ending == .finished, "round \(round)")
      #expect(reading.records.filter { !$0.isOwnJump } == records, "round \(round)")
      let verification = try CaptureVerification.verify(CrashingFile(file.contents), name: "x")
      #expect(verification.state == .finished, "round \(round): \(verification.contradictions)")
    }
  }

  @Test(arguments: [0, 6])
  func keepsTheLargestMessages(level: Int) throws {
    var options = Sample.options
    options.level = level
    var record = Record(0)
    record.kind = .binary
    let piece = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* $0 &>> 3) }
    record.payload.removeAll()
    record.payload.reserveCapacity(64 << 20)
    while record.payload.count < 64 << 20 { record.payload += piece }
    let records = [Record(0), record, Record(1)]
    let reading = Reading(try capture(records, options))
    #expect(reading.ending == .finished)
    // Comparing at once would print 64 MiB when it fails.
    #expect(reading.records.map(\.payload.count) == records.map(\.payload.count))
    let isSame = reading.records == records
    #expect(isSame)
  }

  @Test func refusesWhatACaptureCannotHold() throws {
    let writer = try CaptureWriter(CrashingFile())
    var record = Record(0)
    record.connection = CaptureFormat.maxConnection + 1
    #expect(throws: CaptureError.self) { try writer.append(record) }
    record.connection = CaptureFormat.maxConnection
    try writer.append(record)
    try writer.close()
    #expect(writer.statistics.messages == 1)
  }

  @Test func keepsTheSession() throws {
    let reader = try CaptureReader.open(CrashingFile(try capture([])), name: "x")
    #expect(reader.session == Sample.session)
  }

  @Test func anEmptyCaptureIsComplete() throws {
    let reading = Reading(try capture([]))
    #expect(reading.records.isEmpty)
    #expect(reading.ending == .finished)
    #expect(reading.error == nil)
  }

  @Test func notesThatTheClockWasSet() throws {
    var records = (0..<4).map { Record($0) }
    records[2].wall -= 3_600_000_000_000
    records[3].wall -= 3_600_000_000_000
    let read = Reading(try capture(records)).records
    #expect(read.map(\.kind) == [.text, .text, .clockJump, .text, .text])
    #expect(read[2].payload == Array(#"{"by_ns":-3600000000000}"#.utf8))
    #expect(read.filter { $0.kind == .text } == records)
  }

  @Test func aBatchIsAllItsMessages() throws {
    let batch = MessageBatch(byteCapacity: 1 << 16, entryCapacity: 100)
    let records = (0..<100).map { Record($0) }
    for record in records { #expect(record.withMessage { batch.append($0) }) }
    let file = CrashingFile()
    var options = Sample.options
    options.flushInterval = .zero
    let writer = try CaptureWriter(file, options)
    try writer.append(batch)
    // Nothing waits when the flush interval is zero.
    #expect(Reading(file.contents).records == records)
    #expect(writer.statistics.messages == 100)
    #expect(writer.statistics.flushes == 1)
    #expect(writer.statistics.bytesWritten == UInt64(file.contents.count))
  }
}

extension Record {
  /// The writer's own record of a jump, which a test that draws times at random does not compare.
  var isOwnJump: Bool { kind == .clockJump && connection == 0 }

  static func random(using generator: inout some RandomNumberGenerator) -> Record {
    let size = [0, 1, 50, 300, 70_000].randomElement(using: &generator) ?? 0
    let isWild = Int.random(in: 0..<10, using: &generator) == 0
    var record = Record(
      wall: Sample.wall + Int64.random(in: 0...1_000_000, using: &generator),
      monotonic: Sample.monotonic + Int64.random(in: 0...1_000_000, using: &generator),
      payload: (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) })
    if isWild {
      record.wall =
        [.min, .max, 0, -1, Int64(generator.next() >> 1)].randomElement(using: &generator) ?? 0
      record.monotonic =
        [.min, .max, 0, -1, Int64(generator.next() >> 1)].randomElement(using: &generator) ?? 0
    }
    // Connection 0 is where the writer's own records stand.
    record.connection = UInt32.random(in: 1...CaptureFormat.maxConnection, using: &generator)
    record.kind = Message.Kind(rawValue: UInt8.random(in: 0...255, using: &generator))
    record.direction = Bool.random(using: &generator) ? .received : .sent
    return record
  }
}
