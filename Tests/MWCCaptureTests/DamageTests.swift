import MWCCapture
import MWCCore
import MWCTestSupport
import Testing

/// Every truncation and every flipped byte of a small capture is noticed or harmless.
@Suite struct DamageTests {
  /// A capture of two sessions with several blocks, segments and kinds.
  static func sample(finished: Bool) throws -> (bytes: [UInt8], records: [Record]) {
    var options = Sample.options
    options.blockSize = 300
    let file = CrashingFile()
    var records: [Record] = []
    for session in 0..<2 {
      let writer = try CaptureWriter(file, options)
      for number in 0..<12 {
        var record = Record(session * 100 + number, size: number * 5)
        if number == 5 { record.kind = .ping }
        records.append(record)
        try writer.append(record)
        if number % 3 == 2 { try writer.flush() }
      }
      if finished || session == 0 { try writer.close() } else { try writer.flush() }
    }
    return (file.contents, records)
  }

  @Test(arguments: [true, false])
  func noticesEveryTruncation(finished: Bool) throws {
    let (bytes, records) = try DamageTests.sample(finished: finished)
    var previousCount = 0
    for length in 0..<bytes.count {
      let cut = Array(bytes.prefix(length))
      let reading = Reading(cut)
      #expect(reading.records.elementsEqual(records.prefix(reading.records.count)))
      // A longer piece never has less.
      #expect(reading.records.count >= previousCount)
      previousCount = reading.records.count
      if length < 32 {
        #expect(reading.error?.code == (length == 0 ? .notACapture : .damaged))
      } else {
        #expect(reading.error == nil, "\(length)")
        if case .unfinished(let end, let excess) = reading.ending {
          #expect(end + excess == Int64(length))
        } else {
          // Cut right behind the trailer of the first session.
          #expect(reading.records.count == 12)
        }
        let state = try CaptureVerification.verify(CrashingFile(cut), name: "x").state
        #expect(state == (reading.ending == .finished ? .finished : .unfinished), "\(length)")
      }
    }
  }

  @Test(arguments: [true, false])
  func noticesEveryFlippedByte(finished: Bool) throws {
    let (bytes, records) = try DamageTests.sample(finished: finished)
    let whole = try CaptureVerification.verify(CrashingFile(bytes), name: "x")
    #expect(whole.state == (finished ? .finished : .unfinished))
    #expect(whole.excessBytes == 0)
    var generator = TestSupport.generator(for: "DamageTests.noticesEveryFlippedByte")
    for position in bytes.indices {
      var damaged = bytes
      damaged[position] ^= UInt8.random(in: 1...255, using: &generator)
      let reading = Reading(damaged)
      #expect(reading.records.elementsEqual(records.prefix(reading.records.count)))
      let isNoticed =
        switch reading.ending {
        case .unfinished(_, let excess): excess > 0
        case .finished: false
        case nil: reading.error != nil
        }
      #expect(isNoticed, "byte \(position)")
      try checkTools(damaged, position, records)
    }
  }

  /// What is recovered is part of what was written, and the recovered file is sound.
  private func checkTools(_ damaged: [UInt8], _ position: Int, _ records: [Record]) throws {
    let verification: CaptureVerification
    do throws(CaptureError) {
      verification = try CaptureVerification.verify(CrashingFile(damaged), name: "x")
    } catch {
      // A head that still has its checksum is never that of another version.
      Issue.record("byte \(position): \(error)")
      return
    }
    #expect(verification.state == .damaged || verification.excessBytes > 0, "byte \(position)")
    let output = CrashingFile()
    let recovery = try recover(damaged, to: output)
    #expect(recovery.records <= records.count)
    let reading = Reading(output.contents)
    #expect(reading.ending == .finished)
    let kept = reading.records.filter { $0.kind != .gap }
    #expect(isSubsequence(kept, of: records), "byte \(position)")
    let missing = UInt64(records.count - kept.count)
    if let noted = noted(reading.records) { #expect(noted <= missing, "byte \(position)") }
    #expect(try CaptureVerification.verify(output, name: "y").state == .finished)
  }

  private func noted(_ records: [Record]) -> UInt64? {
    var sum: UInt64 = 0
    for record in records where record.kind == .gap {
      guard let messages = record.gap.messages else {
        return nil
      }
      sum += messages
    }
    return sum
  }

  private func isSubsequence(_ part: [Record], of whole: [Record]) -> Bool {
    var rest = whole[...]
    return part.allSatisfy { record in
      guard let place = rest.firstIndex(of: record) else { return false }
      rest = rest[(place + 1)...]
      return true
    }
  }

  @Test func saysWhereAndWhatToDo() throws {
    let (bytes, _) = try DamageTests.sample(finished: true)
    var damaged = bytes
    // In the second block, in the body of its first segment.
    let second = try #require(blockOffsets(bytes).dropFirst().first)
    damaged[second + 80] ^= 1
    let error = try #require(Reading(damaged).error)
    #expect(error.code == .damaged)
    #expect(error.block == 1)
    #expect(error.offset == Int64(second + 64))
    #expect(
      error.description
        == "test.cap: block 1 at offset \(second + 64): a segment fails its checksum; "
        + "'mwc recover test.cap' keeps the block before it and what can be read behind it")
  }

  @Test func countsWhatADestroyedBlockHeld() throws {
    var options = Sample.options
    options.blockSize = 1
    let bytes = try capture((0..<10).map { Record($0) }, options)
    // Blocks: session, ten with one record each, index.
    let offsets = blockOffsets(bytes)
    #expect(offsets.count == 12)
    var damaged = bytes
    damaged.replaceSubrange(
      offsets[3]..<offsets[5], with: repeatElement(0, count: offsets[5] - offsets[3]))
    let verification = try CaptureVerification.verify(CrashingFile(damaged), name: "x")
    #expect(verification.state == .damaged)
    #expect(verification.holes.count == 1)
    #expect(verification.holes.first?.start == Int64(offsets[3]))
    #expect(verification.holes.first?.end == Int64(offsets[5]))
    #expect(verification.holes.first?.missingRecords == 2)
    #expect(verification.records == 8)

    let output = CrashingFile()
    let recovery = try recover(damaged, to: output)
    #expect(recovery.records == 8)
    #expect(recovery.missingRecords == 2)
    #expect(recovery.wasFinished)
    let read = Reading(output.contents).records
    #expect(read.map(\.kind) == [.text, .text, .gap] + Array(repeating: .text, count: 6))
    #expect(
      read[2].gap
        == GapRecord(reason: "damaged", messages: 2, bytes: nil, duration: 3_000_000))
  }

  @Test func aTrailerWithoutHeadEndsTheSearch() throws {
    var bytes = try capture([Record(0)])
    let trailer = bytes.count - 64
    bytes.replaceSubrange(0..<trailer, with: repeatElement(0, count: trailer))
    bytes += [1, 2, 3]
    let verification = try CaptureVerification.verify(CrashingFile(bytes), name: "x")
    #expect(verification.state == .damaged)
    #expect(verification.records == 0)
    #expect(throws: CaptureError.self) { try recover(bytes, to: CrashingFile()) }
  }

  @Test func recoversWithoutTheHead() throws {
    let (bytes, records) = try DamageTests.sample(finished: true)
    let output = CrashingFile()
    // No preamble, no first session, and the file does not begin where it did.
    let rest = Array(bytes.dropFirst(40))
    let recovery = try recover(rest, to: output)
    #expect(recovery.records == UInt64(records.count))
    // The head, and the trailer of the first session, which is not where it says.
    #expect(recovery.holeCount == 2)
  }
}

/// Offsets of everything that has the magic of a block.
func blockOffsets(_ bytes: [UInt8]) -> [Int] {
  let magic: [UInt8] = [0xFF, 0x4D, 0x57, 0x43, 0x42, 0x4C, 0x4B, 0x0A]
  return bytes.indices.filter { bytes[$0...].starts(with: magic) }
}

@discardableResult
func recover(
  _ bytes: [UInt8], tail: [UInt8] = [], to output: CrashingFile
) throws(CaptureError) -> CaptureRecovery {
  let pair = TestPair(bytes, tail: tail)
  return try CaptureRecovery.recover(pair.source, name: "in.cap") { () throws(CaptureError) in
    (output, "out.cap", 99)
  } options: {
    Sample.options
  }
}
