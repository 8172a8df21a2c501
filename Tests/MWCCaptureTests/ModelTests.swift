import MWCCapture
import MWCCore
import MWCTestSupport
import SystemPackage
import Testing

/// Random operations and random crashes on one capture and its tail, guarded by a model of a few lines: a list
/// of records, and how many of them have been promised to survive a kill and a power cut.
@Suite struct ModelTests {
  struct Model {
    /// What was appended and not dropped, in order.
    var records: [Record] = []
    /// So many are with the kernel.
    var flushed = 0
    /// So many are on the device.
    var synced = 0

    /// After a crash the file holds a beginning of the records, not shorter than promised.
    mutating func crash(to found: [Record], promised: Int, _ hint: String) {
      #expect(found.count >= promised, "\(hint)")
      #expect(found.elementsEqual(records.prefix(found.count)), "\(hint)")
      records = found
      flushed = found.count
      synced = found.count
    }

    /// A writer that takes over finds more: what stands behind a hole, which a gap tells of.
    mutating func takeOver(_ found: [Record], of all: [Record], _ hint: String) {
      #expect(found.starts(with: records), "\(hint)")
      #expect(isContinuation(found.dropFirst(records.count), of: all), "\(hint)")
      records = found
      flushed = found.count
      synced = found.count
    }
  }

  @Test func randomOperationsAndCrashes() throws {
    var generator = TestSupport.generator(for: "ModelTests.randomOperationsAndCrashes")
    for round in 0..<25 {
      try run(round, using: &generator)
    }
  }

  private func run(_ round: Int, using generator: inout SeededGenerator) throws {
    var model = Model()
    var options = Sample.sealing
    options.isDirect = Bool.random(using: &generator)
    options.level = Int.random(in: 0...2, using: &generator)
    options.blockSize = [1, 200, 2000].randomElement(using: &generator) ?? 1
    options.syncInterval = Bool.random(using: &generator) ? .seconds(1) : .zero
    var pair = TestPair()
    var writer = try CaptureWriter(pair, options)
    var number = 0
    for step in 0..<60 {
      let hint = "round \(round), step \(step)"
      switch Int.random(in: 0..<16, using: &generator) {
      case 0...7:
        let record = Record(number, size: Int.random(in: 0..<200, using: &generator))
        number += 1
        try writer.append(record)
        model.records.append(record)
      case 8, 9:
        try writer.flush()
        model.flushed = model.records.count
      case 10:
        try writer.flush()
        writer.sync()
        model.flushed = model.records.count
        model.synced = model.records.count
      case 11:
        try diskFull(pair, writer, &model, &number)
      case 12:
        try writer.close()
        #expect(pair.tail.contents.isEmpty, "\(hint)")
        #expect(Reading(pair.image).records == model.records, "\(hint)")
        #expect(Reading(pair.image).ending == .finished, "\(hint)")
        pair = TestPair(pair.image)
        // What is continued may be written in another way.
        options.isDirect = Bool.random(using: &generator)
        writer = try CaptureWriter(pair, options)
        model.flushed = model.records.count
        model.synced = model.records.count
      case 13:
        // A reader at any moment sees what was flushed, and nothing that was not appended.
        let found = Reading(pair.image).records
        #expect(found.count >= model.flushed, "\(hint)")
        #expect(found.elementsEqual(model.records.prefix(found.count)), "\(hint)")
      case 14:
        let image = pair.killed(after: pair.disk.operationCount)
        let all = model.records
        model.crash(to: Reading(image).records, promised: model.flushed, hint)
        pair = TestPair(image)
        options.isDirect = Bool.random(using: &generator)
        writer = try CaptureWriter(pair, options)
        model.takeOver(Reading(pair.image).records, of: all, hint)
      default:
        let all = model.records
        var image = pair.powerCut(after: pair.disk.operationCount, using: &generator)
        if Reading(image).error != nil {
          // Sound blocks behind a hole: mend it, and go on with what comes before.
          let mended = CrashingFile()
          try recover(image.capture, tail: image.tail, to: mended)
          let kept = Reading(mended.contents).records.filter { $0.kind != .gap }
          let promised = model.records.prefix(model.synced).filter { $0.kind != .gap }
          #expect(kept.count >= promised.count, "\(hint)")
          #expect(kept.allSatisfy { model.records.contains($0) }, "\(hint)")
          model.records = Reading(mended.contents).records
          model.flushed = model.records.count
          model.synced = model.records.count
          image = TestPair.Image(capture: mended.contents, tail: [])
        } else {
          model.crash(to: Reading(image).records, promised: model.synced, hint)
        }
        pair = TestPair(image)
        writer = try CaptureWriter(pair, options)
        model.takeOver(Reading(pair.image).records, of: all + model.records, hint)
      }
    }
    try writer.close()
    #expect(Reading(pair.capture.contents).records == model.records, "round \(round)")
    let verification = try CaptureVerification.verify(pair.capture, name: "x")
    #expect(verification.state == .finished, "round \(round): \(verification.contradictions)")
    #expect(
      try CaptureSummary(pair.capture, name: "x").records.messages == UInt64(model.records.count),
      "round \(round)")
  }

  /// The disk is full for some messages, and then it is not.
  private func diskFull(
    _ pair: TestPair, _ writer: CaptureWriter, _ model: inout Model, _ number: inout Int
  ) throws {
    try writer.flush()
    for file in [pair.capture, pair.tail] { file.fault = { _ in .error(.noSpace) } }
    for _ in 0..<3 {
      try writer.append(Record(number))
      number += 1
    }
    try writer.flush()
    #expect(writer.isSuspended)
    for file in [pair.capture, pair.tail] { file.fault = { _ in nil } }
    _ = try writer.tick(now: 0)
    _ = try writer.tick(now: 2_000_000_000)
    #expect(!writer.isSuspended)
    let gap = try #require(Reading(pair.image).records.last)
    #expect(gap.gap.messages == 3)
    model.records.append(gap)
    model.flushed = model.records.count
  }
}
