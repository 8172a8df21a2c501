import MWCCapture
import MWCCore
import MWCTestSupport
import Testing

/// Captures as recordings leave them: blocks in columns, an index, and beside an unfinished one its
/// tail. Every changed byte and every cut is found where it is, and costs no more than the records
/// that stood in it.
@Suite struct ColumnCaptureDamageTests {
  /// Messages of a small host; some are something else.
  private static func record(_ number: Int) -> Record {
    var record = Record(number)
    let text =
      number % 9 == 7
      ? "restart \(number)"
      : "{\"type\":\"metrics\",\"cpu\":\(number % 5).5,\"free\":\(9000 - number * 3)}"
    record.payload = Array(text.utf8)
    if number % 11 == 6 { record.kind = .ping }
    return record
  }

  /// Two recordings of a few small blocks each.
  static func finished() throws -> (bytes: [UInt8], records: [Record]) {
    var options = Sample.sealing
    options.blockSize = 300
    let pair = TestPair()
    var records: [Record] = []
    for session in 0..<2 {
      let writer = try CaptureWriter(pair, options)
      for number in 0..<20 {
        records.append(record(session * 100 + number))
        try writer.append(records[records.count - 1])
      }
      try writer.close()
    }
    return (pair.capture.contents, records)
  }

  /// A recording that was killed: sealed blocks, which the tail has, too, and one in the tail alone.
  static func killed() throws -> (image: TestPair.Image, records: [Record]) {
    var options = Sample.sealing
    options.blockSize = 300
    let pair = TestPair()
    var records: [Record] = []
    let writer = try CaptureWriter(pair, options)
    for number in 0..<30 {
      records.append(record(number))
      try writer.append(records[number])
      try writer.flush()
    }
    return (pair.image, records)
  }

  // MARK: What stands where

  /// The parts of a file, found by its magics alone.
  struct Layout {
    struct Block {
      var range: Range<Int>
      var kind: UInt8
      var encoding: UInt8
      var sequence: Int
      /// Behind each of its segments.
      var segmentEnds: [Int] = []
      /// Numbers of its records.
      var records: Range<Int>
    }

    var blocks: [Block] = []
    /// Behind the head, each segment, each seal and each trailer: a cut there loses nothing.
    var ends = [32]

    init(_ bytes: [UInt8]) {
      func integer(_ at: Int, _ count: Int) -> Int {
        (0..<count).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
      }
      var at = 32
      while at + 64 <= bytes.count {
        let start = at
        at += 64
        guard bytes[start + 4] == UInt8(ascii: "B") else {
          ends.append(at)
          continue
        }
        let first = integer(start + 32, 8)
        var block = Block(
          range: start..<bytes.count, kind: bytes[start + 20], encoding: bytes[start + 21],
          sequence: integer(start + 16, 4), records: first..<first)
        while at + 12 <= bytes.count {
          guard integer(at, 4) != 0xFFFF_FFFF else {
            block.records = first..<first + integer(at + 4, 4)
            at += 64
            ends.append(at)
            break
          }
          at += 12 + integer(at, 4)
          block.segmentEnds.append(at)
          ends.append(at)
        }
        block.range = start..<at
        blocks.append(block)
      }
    }

    func block(at position: Int) -> Block? { blocks.first { $0.range.contains(position) } }

    /// Records that a changed byte takes away: those of its block, unless it stands in the seal.
    func lost(at position: Int) -> Range<Int> {
      guard let block = block(at: position), block.kind == 2,
        position < block.segmentEnds.last ?? block.range.upperBound
      else { return 0..<0 }
      return block.records
    }
  }

  @Test func theSamplesAreWhatTheyAreMeantToBe() throws {
    let (bytes, records) = try Self.finished()
    let layout = Layout(bytes)
    #expect(layout.blocks.map(\.kind) == [1, 2, 2, 2, 3, 1, 2, 2, 2, 3])
    #expect(layout.blocks.filter { $0.kind == 2 }.allSatisfy { $0.encoding == 2 })
    #expect(layout.ends.last == bytes.count)
    #expect(Reading(bytes).records == records)
    let (image, killed) = try Self.killed()
    #expect(Layout(image.capture).blocks.count > 3)
    #expect(Layout(image.tail).blocks.count == Layout(image.capture).blocks.count)
    #expect(Reading(image).records == killed)
    #expect(Reading(image.capture).records.count < killed.count)
  }

  // MARK: A finished capture

  @Test func everyChangedByteIsFoundAndCostsItsBlock() throws {
    let (bytes, records) = try Self.finished()
    let layout = Layout(bytes)
    for position in bytes.indices {
      var damaged = bytes
      damaged[position] ^= [0x01, 0x80, 0xFF, 0x10][position % 4]
      let lost = layout.lost(at: position)

      let reading = Reading(damaged)
      #expect(reading.records.elementsEqual(records.prefix(reading.records.count)))
      #expect(reading.ending != .finished && reading.records.count >= lost.lowerBound)

      let verification: CaptureVerification
      do throws(CaptureError) {
        verification = try CaptureVerification.verify(CrashingFile(damaged), name: "x")
      } catch {
        Issue.record("byte \(position): \(error)")
        continue
      }
      // It is said where it stands.
      let intact = verification.fileSize - verification.excessBytes
      let isLocated =
        verification.holes.contains { $0.start <= position && position < $0.end }
        || verification.excessBytes > 0 && intact <= position
      #expect(isLocated, "byte \(position)")
      #expect(verification.holeCount <= 1, "byte \(position)")
      #expect(verification.records == UInt64(records.count - lost.count), "byte \(position)")
      try checkRecovery(
        damaged, keeps: Array(records[..<lost.lowerBound] + records[lost.upperBound...]),
        missing: lost.count, "byte \(position)")
    }
  }

  /// What is recovered is all that was not hit, and says how much was.
  private func checkRecovery(
    _ capture: [UInt8], tail: [UInt8] = [], keeps expected: [Record], missing: Int, _ what: String
  ) throws {
    let output = CrashingFile()
    let recovery = try recover(capture, tail: tail, to: output)
    #expect(recovery.missingRecords == UInt64(missing), "\(what)")
    let reading = Reading(output.contents)
    #expect(reading.ending == .finished)
    #expect(reading.records.filter { $0.kind != .gap } == expected, "\(what)")
    let gaps = reading.records.filter { $0.kind == .gap }.map(\.gap.messages)
    #expect(gaps == (missing > 0 ? [UInt64(missing)] : []), "\(what)")
  }

  @Test func everyCutIsFoundAndCostsWhatIsBehindIt() throws {
    let (bytes, records) = try Self.finished()
    let layout = Layout(bytes)
    for length in 32..<bytes.count {
      let cut = Array(bytes.prefix(length))
      let whole = layout.blocks.last { $0.kind == 2 && $0.segmentEnds[0] <= length }
      let expected = Array(records.prefix(whole?.records.upperBound ?? 0))
      let end = Int64(try #require(layout.ends.last { $0 <= length }))
      let reading = Reading(cut)
      #expect(reading.records == expected, "\(length)")
      let verification = try CaptureVerification.verify(CrashingFile(cut), name: "x")
      #expect(verification.records == UInt64(expected.count))
      if reading.ending == .finished {
        // Behind the trailer of the first recording.
        #expect(verification.state == .finished && expected.count == 20)
      } else {
        let ending = CaptureEnding.unfinished(end: end, excess: Int64(length) - end)
        #expect(reading.ending == ending, "\(length)")
        #expect(verification.state == .unfinished)
        #expect(verification.excessBytes == Int64(length) - end)
      }
      guard layout.blocks[0].range.upperBound <= length else { continue }
      try checkRecovery(cut, keeps: expected, missing: 0, "\(length)")
    }
  }

  // MARK: A capture and its tail

  /// A record that filled its block was sealed before it was flushed, so the tail never had it. That
  /// one is lost with the block in the capture, and nothing else.
  @Test func aTailHasWhatADamagedCaptureHasNot() throws {
    let (image, records) = try Self.killed()
    let layout = Layout(image.capture)
    let tail = Layout(image.tail)
    let session = layout.blocks[0].range
    for position in image.capture.indices where position >= session.upperBound {
      var damaged = image
      damaged.capture[position] ^= 0x40
      let block = try #require(layout.block(at: position))
      let copy = try #require(tail.blocks.first { $0.sequence == block.sequence })
      var lost = layout.lost(at: position)
      if !lost.isEmpty { lost = lost.lowerBound + copy.segmentEnds.count..<lost.upperBound }
      #expect(lost.count <= 1)
      let expected = Array(records[..<lost.lowerBound] + records[lost.upperBound...])

      let reading = Reading(damaged)
      let until = lost.isEmpty ? block.records.upperBound : lost.lowerBound
      #expect(reading.records.elementsEqual(records.prefix(reading.records.count)))
      #expect(reading.records.count >= until, "byte \(position)")
      let verification = try CaptureVerification.verify(TestPair(damaged).source, name: "x")
      #expect(verification.records == UInt64(expected.count), "byte \(position)")
      // The last block looks like a write that was cut off: what shows is what the tail has not.
      let isLast = block.sequence == layout.blocks.last?.sequence
      if !isLast || !lost.isEmpty {
        #expect(verification.holeCount == 1, "byte \(position)")
        let hole = try #require(verification.holes.first)
        let isLocated = hole.start <= position && position < hole.end
        #expect(isLocated || isLast, "byte \(position): \(hole)")
        #expect(hole.missingRecords == UInt64(lost.count), "byte \(position)")
      }
      try checkRecovery(
        damaged.capture, tail: damaged.tail, keeps: expected, missing: lost.count,
        "byte \(position)")
      if isLast, position % 5 == 0 { try checkTakingOver(damaged, expected, "byte \(position)") }
    }
  }

  @Test func aDamagedTailCostsOnlyWhatItAloneHad() throws {
    let (image, records) = try Self.killed()
    let layout = Layout(image.tail)
    let open = try #require(layout.blocks.last)
    let sealed = Reading(image.capture).records.count
    func check(_ tail: [UInt8], wholeUntil position: Int, _ what: String) throws {
      // Each segment has one record; what stands before the open block is in the capture.
      let isHarmless = position < open.range.lowerBound && tail.count == image.tail.count
      let kept = open.segmentEnds.filter { $0 <= position }
      let expected = isHarmless ? records : Array(records.prefix(sealed + kept.count))
      let reading = Reading(image.capture, tail: tail)
      #expect(reading.records == expected, "\(what)")
      #expect(reading.error == nil, "\(what)")
      // What fits nowhere is counted, unless it is of a block that the capture has.
      let start = layout.block(at: position)?.range.lowerBound ?? position
      let isOld = position < open.range.lowerBound
      let end = isOld ? start : layout.ends.filter { $0 <= position }.last ?? 0
      let verification = try CaptureVerification.verify(
        TestPair(image.capture, tail: tail).source, name: "x")
      #expect(verification.state == .unfinished, "\(what)")
      #expect(verification.records == UInt64(expected.count), "\(what)")
      let isCounted = isOld ? !isHarmless && position < start + 64 : true
      let excess = isCounted ? tail.count - end : 0
      #expect(verification.excessBytes == excess, "\(what)")
      try checkRecovery(image.capture, tail: tail, keeps: expected, missing: 0, what)
      // Writers take the most time.
      guard position % 5 == 0 else { return }
      try checkTakingOver(TestPair.Image(capture: image.capture, tail: tail), expected, what)
    }
    for position in image.tail.indices {
      var damaged = image.tail
      damaged[position] ^= 0x02
      try check(damaged, wholeUntil: position, "byte \(position)")
    }
    for length in image.tail.indices {
      try check(Array(image.tail.prefix(length)), wholeUntil: length, "\(length) bytes")
    }
  }

  /// Who goes on recording there keeps what could be read.
  private func checkTakingOver(
    _ image: TestPair.Image, _ expected: [Record], _ what: String
  ) throws {
    let pair = TestPair(image)
    try CaptureWriter(pair, Sample.sealing).close()
    let reading = Reading(pair.image)
    #expect(reading.records.filter { $0.kind != .gap } == expected, "\(what)")
    #expect(reading.ending == .finished, "\(what)")
    #expect(pair.tail.contents.isEmpty, "\(what)")
  }

  // MARK: Lies behind sound checksums

  /// A body in columns whose table or first stream claims more than there can be.
  private static let lies: [(name: String, body: [UInt8])] = {
    func varint(_ value: UInt64) -> [UInt8] {
      var rest = value
      var bytes: [UInt8] = []
      while rest >= 0x80 {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
      }
      return bytes + [UInt8(rest)]
    }
    let huge: [UInt64] = [1 << 20, 1 << 31, 1 << 32, 1 << 40, 1 << 63, .max]
    var lies: [(String, [UInt8])] = []
    for value in huge {
      lies += [
        ("\(value) streams", varint(value) + [0, 0, 0]),
        ("a stream of \(value) bytes", [4] + varint(value) + [3, 0, 0, 0, 0, 0, 0, 1, 2, 3]),
        ("stored in \(value) bytes", [4, 3] + varint(value) + [0, 0, 0, 0, 0, 0, 1, 2, 3]),
        ("four of \(value)", (0..<4).reduce([4]) { bytes, _ in bytes + varint(value) + [1] }),
      ]
      // A head that is stored as it is: so many records, sources, nodes, columns.
      for place in 0..<8 {
        var head: [UInt8] = []
        for index in 0..<12 { head += index == place ? varint(value) : [1] }
        let length = UInt8(head.count)
        lies.append(
          ("\(value) at \(place) of the head", [4, length, length, 0, 0, 0, 0, 0, 0] + head))
      }
    }
    // A thousand zeros deflated, said to be so many.
    let zeros: [UInt8] = [0x62, 0x60, 0x18, 0x05, 0xA3, 0x60, 0x14, 0x0C, 0x77, 0x00, 0x00]
    for length: UInt64 in [12, 999, 1001, 100_000, 40 << 20] {
      lies.append(
        ("\(length) zeros", [4] + varint(length) + [11, 0, 0, 0, 0, 0, 0] + zeros))
    }
    return lies
  }()

  @Test func whatClaimsTooMuchIsRefusedInAWholeCapture() throws {
    let honest = (0..<6).map { Self.record($0) }
    for (name, body) in Self.lies {
      for raw in [ColumnTests.rawLength(honest), 1, 16 << 20, (16 << 20) + 1, 0xFFFF_FFFF] {
        var forge = Forge()
        forge.session()
        forge.append(columns: honest)
        forge.block(
          kind: 2, encoding: 2, [.init(body, rawLength: raw)], records: 6, first: 6)
        forge.append(columns: honest, first: 12)
        let reading = Reading(forge.bytes)
        #expect(reading.error?.code == .damaged, "\(name), \(raw)")
        #expect(reading.error?.block == 2, "\(name), \(raw)")
        #expect(reading.records == honest, "\(name), \(raw)")
        let verification = try CaptureVerification.verify(CrashingFile(forge.bytes), name: "x")
        #expect(verification.holes.map(\.missingRecords) == [6], "\(name), \(raw)")
        let output = CrashingFile()
        #expect(try recover(forge.bytes, to: output).records == 12, "\(name), \(raw)")
      }
    }
  }
}
