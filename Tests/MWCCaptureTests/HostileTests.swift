import MWCCapture
import MWCCore
import MWCTestSupport
import Testing

/// Files whose checksums fit and whose contents lie.
@Suite struct HostileTests {
  private let hi = Forge.row(payload: Array("hi".utf8))

  private func forge(_ build: (inout Forge) -> Void) -> Reading {
    var forge = Forge()
    forge.session()
    build(&forge)
    // Something sound behind it, so that it is not taken for a cut.
    forge.block(kind: 2, encoding: 0, [.init(hi)], records: 1, first: 1)
    return Reading(forge.bytes)
  }

  @Test func theForgeIsHonestWhenItWantsToBe() {
    let reading = forge {
      $0.block(kind: 2, encoding: 0, [.init(hi)], records: 1)
    }
    #expect(reading.error == nil)
    #expect(reading.records.map(\.payload) == [Array("hi".utf8), Array("hi".utf8)])
    #expect(reading.records.first?.connection == 1)
  }

  @Test func anEncodingOfTheFutureIsNamedAndNotSkipped() {
    let reading = forge { $0.block(kind: 2, encoding: 3, [.init([1, 2, 3])], records: 1) }
    #expect(reading.error?.code == .unsupported)
    #expect(reading.error?.block == 1)
    #expect(
      reading.error?.reason == "this block uses encoding-3, which this program cannot read")
  }

  @Test func aBlockOfAnUnknownKindIsSkipped() {
    let reading = forge { forge in
      forge.block(kind: 9, encoding: 77, [.init([1, 2, 3], rawLength: 9)])
      forge.block(kind: 2, encoding: 0, [.init(hi)], records: 1)
    }
    #expect(reading.error == nil)
    #expect(reading.records.count == 2)
  }

  @Test func aNewerVersionIsNamed() {
    let error = Reading(Forge(version: 2).bytes).error
    #expect(error?.code == .newerVersion)
    #expect(
      error?.description
        == "test.cap: this capture has format version 2, and this program reads up to 1; "
        + "a newer release of mwc reads it")
    #expect(Reading(Forge(version: 0).bytes).error?.code == .newerVersion)
  }

  @Test func otherFilesAreNoCaptures() {
    let other = Array("{\"type\":\"metrics\"} and more of this, enough for a head".utf8)
    for length in [1, 7, 8, 31, 32, other.count] {
      #expect(Reading(Array(other.prefix(length))).error?.code == .notACapture)
    }
    #expect(Reading([]).error?.reason == "this is not a capture: it is empty")
    #expect(throws: CaptureError.self) {
      try CaptureVerification.verify(CrashingFile(other), name: "x")
    }
    let output = CrashingFile()
    #expect(throws: CaptureError.self) { try recover(other, to: output) }
    #expect(output.log.isEmpty)
  }

  @Test(arguments: [
    // Stored length, raw length.
    (0, 5), (5, 0), (4, 5), (5, 4), (0x7FFF_FFFF, 5), (5, 0x7FFF_FFFF), (5, 0xFFFF_FFFF),
    (0x1100_0000, 0x1100_0000),
  ])
  func lyingLengthsOfSegmentsAreRefused(stored: Int, raw: Int) {
    let reading = forge {
      $0.block(
        kind: 2, encoding: 0,
        [.init(Array(repeating: 0, count: 5), rawLength: raw, storedLength: stored)], records: 1)
    }
    #expect(reading.error?.code == .damaged)
    #expect(reading.records.isEmpty)
  }

  @Test func aBombDoesNotGoOff() {
    // 256 MiB in 20 bytes: more than deflate can do.
    let claim = forge {
      $0.block(
        kind: 2, encoding: 1, [.init(Array(repeating: 0, count: 20), rawLength: 256 << 20)],
        records: 1)
    }
    #expect(claim.error?.reason == "a segment that claims to decode to more than deflate can")
    // A raw deflate stream of a thousand zeros, said to be ten.
    let thousandZeros: [UInt8] = [0x62, 0x60, 0x18, 0x05, 0xA3, 0x60, 0x14, 0x0C, 0x77, 0x00, 0x00]
    for length in [10, 999, 1001, 10_000] {
      let excess = forge {
        $0.block(kind: 2, encoding: 1, [.init(thousandZeros, rawLength: length)], records: 1)
      }
      #expect(excess.error?.code == .damaged)
      #expect(excess.records.isEmpty)
    }
  }

  @Test func sessionsAndIndexesAreBounded() {
    let big = Forge.Segment(Array(repeating: 0, count: 300_000))
    let session = forge { $0.block(kind: 1, encoding: 0, [big, big, big, big]) }
    #expect(session.error?.reason == "the block decodes to more than 1048576 bytes")
    let index = forge {
      $0.block(kind: 3, encoding: 0, Array(repeating: big, count: 60))
    }
    #expect(index.error?.reason == "the block decodes to more than 16777216 bytes")
  }

  @Test(arguments: [
    [1] as [UInt8],  // Cut behind the kind.
    [1, 2, 0, 0],  // No length.
    [1, 2, 0, 0, 3, 1, 2],  // A payload beyond the end.
    [1, 0x82, 0xC0, 0x00, 0, 0, 0],  // Connection 8193.
    [1] + [UInt8](repeating: 0xFF, count: 10) + [0, 0, 0],  // A number of 70 bits.
    [1, 2, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],  // 32 GiB.
    [1, 2, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
  ])
  func malformedRowsAreRefused(row: [UInt8]) {
    let reading = forge { $0.block(kind: 2, encoding: 0, [.init(hi + row)], records: 2) }
    #expect(reading.error?.reason == "a malformed record")
    #expect(reading.records.count == 1)
  }

  @Test func sealsAndHeadersThatContradictAreRefused() {
    #expect(
      forge { $0.block(kind: 2, encoding: 0, [.init(hi)], records: 2) }.error?.reason
        == "the end of the block contradicts what is in it")
    #expect(
      forge { $0.block(kind: 2, encoding: 0, [.init(hi)], records: 1, rawSize: 9) }.error?.reason
        == "the end of the block contradicts what is in it")
    #expect(
      forge { $0.block(kind: 2, encoding: 0, [.init(hi)], records: 1, first: 7) }.error?.reason
        == "the block begins with record 7, and 0 stand before it")
    #expect(
      forge { $0.block(kind: 2, encoding: 0, [.init(hi)], records: 1, connection: 2) }.error?.reason
        == "a record of connection 1 in a block of 2")
    #expect(
      forge { $0.block(kind: 1, encoding: 0, [.init([1, 0, 9])]) }.error?.reason
        == "a session with malformed fields")
    #expect(forge { $0.block(kind: 2, encoding: 0, [], records: 0) }.error?.code == .damaged)
  }

  @Test func recordsNeedASession() {
    var forge = Forge()
    forge.block(kind: 2, encoding: 0, [.init(hi)], records: 1)
    #expect(
      Reading(forge.bytes).error?.reason == "there is no session before the first records")
  }

  @Test func aCaptureInsideACaptureIsNotMistaken() throws {
    var options = Sample.options
    options.level = 0
    var carrier = Record(1)
    carrier.kind = .binary
    carrier.payload = try capture([Record(50), Record(51)], options)
    let file = CrashingFile()
    let writer = try CaptureWriter(file, options, fileID: 4711)
    for record in [Record(0), carrier, Record(2)] { try writer.append(record) }
    try writer.close()
    // Destroy the block that carries it: what is inside must not be taken for ours.
    var bytes = file.contents
    let carrying = blockOffsets(bytes)[1]
    bytes[carrying + 20] ^= 0xFF
    let output = CrashingFile()
    let recovery = try recover(bytes, to: output)
    #expect(recovery.records == 0)
    #expect(recovery.missingRecords == 3)
  }

  @Test func theIndexMayLieAndSeekingStillWorks() throws {
    var forge = Forge()
    forge.session()
    for number in 0..<3 {
      let row = Forge.row(payload: [UInt8(number)])
      forge.block(kind: 2, encoding: 0, [.init(row)], records: 1, first: UInt64(number))
    }
    let indexOffset = forge.bytes.count
    // Points to itself, lists blocks beyond the file.
    var body: [UInt8] = []
    func append(_ value: UInt64, _ size: Int) {
      body += (0..<size).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }
    append(UInt64(indexOffset), 8)
    append(1, 4)
    append(0, 4)
    append(.max, 8)
    body += [UInt8](repeating: 0xFF, count: 64)
    forge.block(kind: 3, encoding: 0, [.init(body)], first: 3)
    let trailer = forge.bytes.count
    body = [0xFF] + Array("MWCEND\n".utf8)
    append(Forge.fileID, 8)
    append(UInt64(indexOffset), 8)
    append(3, 8)
    append(3, 8)
    append(5, 4)
    append(1, 4)
    append(UInt64(trailer), 8)
    append(0, 4)
    append(UInt64(Forge.checksum(body[...])), 4)
    let file = CrashingFile(forge.bytes + body)
    var reader = try CaptureReader.open(file, name: "x")
    try reader.seek(toWallTime: 0)
    var count = 0
    while try reader.next() != nil { count += 1 }
    #expect(count == 3)
    #expect(reader.ending == .finished)
    // And who verifies is told.
    #expect(try CaptureVerification.verify(file, name: "x").contradictions.count == 1)
    #expect(try CaptureSummary(file, name: "x").records.messages == 3)
  }
}
