import MWCCapture
import MWCCore
import MWCTestSupport
import Testing

/// Every point at which a writer with a tail can be killed or the power can go, and every order in
/// which the file system may bring two files to the device.
@Suite struct TailCrashTests {
  /// Records messages with flushes, seals and syncs, and remembers what was promised when.
  struct Recording {
    let pair: TestPair
    var records: [Record] = []
    /// After so many operations on the two files, so many records are with the kernel.
    var flushed: [(operations: Int, records: Int)] = []
    /// The same for the device.
    var synced: [(operations: Int, records: Int)] = []

    init(
      from image: TestPair.Image = TestPair.Image(capture: [], tail: []), first: Int = 0,
      count: Int = 24, sync: Duration? = .seconds(1), finishing: Bool = true, blockSize: Int = 400
    ) throws {
      pair = TestPair(image)
      var options = Sample.sealing
      options.blockSize = blockSize
      options.syncInterval = sync
      let writer = try CaptureWriter(pair, options)
      note(&synced)
      for number in 0..<count {
        // Small ones, that share a block, and some that are a block of their own.
        let record = Record(first + number, size: number % 8 == 7 ? 500 : number % 5 * 10)
        try writer.append(record)
        records.append(record)
        if number % 2 == 1 {
          try writer.flush()
          note(&flushed)
          if sync == .zero { note(&synced) }
        }
        if number % 7 == 4 {
          try writer.flush()
          note(&flushed)
          writer.sync()
          note(&synced)
        }
      }
      if finishing {
        try writer.close()
        note(&flushed)
        if sync != nil { note(&synced) }
      }
    }

    private func note(_ promises: inout [(operations: Int, records: Int)]) {
      promises.append((pair.disk.operationCount, records.count))
    }

    func promised(_ promises: [(operations: Int, records: Int)], at operations: Int) -> Int {
      promises.last { $0.operations <= operations }?.records ?? 0
    }
  }

  static let syncs: [Duration?] = [.seconds(1), .zero, nil]

  @Test(arguments: syncs.indices)
  func aKilledProcessKeepsWhatWasFlushed(_ sync: Int) throws {
    let recording = try Recording(sync: Self.syncs[sync])
    for count in 1...recording.pair.disk.operationCount {
      let size = recording.pair.writeSize(count)
      let pieces = [0, 1, 12, 31, 32, 63, 64, 65, 76, size - 65, size - 64, size - 1]
      for partial in Set(pieces) where partial == 0 || partial > 0 && partial < size {
        let image = recording.pair.killed(after: count, partial: partial)
        let reading = Reading(image)
        #expect(reading.error == nil, "after \(count) and \(partial) bytes")
        #expect(reading.records.elementsEqual(recording.records.prefix(reading.records.count)))
        #expect(
          reading.records.count >= recording.promised(recording.flushed, at: count),
          "after \(count) and \(partial) bytes")
        try checkAppending(to: image, reading, of: recording, sync: Self.syncs[sync])
      }
    }
  }

  @Test func aPowerCutKeepsWhatWasSynced() throws {
    var generator = TestSupport.generator(for: "TailCrashTests.aPowerCutKeepsWhatWasSynced")
    for sync in [Duration.seconds(1), .zero] {
      let recording = try Recording(sync: sync)
      for count in recording.synced[0].operations...recording.pair.disk.operationCount {
        for image in recording.pair.powerCuts(after: count) {
          try check(image, of: recording, after: count)
        }
        for _ in 0..<8 {
          let image = recording.pair.powerCut(after: count, using: &generator)
          try check(image, of: recording, after: count)
        }
      }
    }
  }

  private func check(
    _ image: TestPair.Image, of recording: Recording, after count: Int
  ) throws {
    let promised = recording.promised(recording.synced, at: count)
    let reading = Reading(image)
    #expect(reading.records.elementsEqual(recording.records.prefix(reading.records.count)))
    #expect(reading.records.count >= promised, "after \(count)")
    if let error = reading.error {
      // A hole with sound blocks behind it: these are recovered, too, and nothing twice.
      #expect(error.code == .damaged)
      let output = CrashingFile()
      let recovery = try recover(image.capture, tail: image.tail, to: output)
      #expect(recovery.records >= reading.records.count)
      #expect(try CaptureVerification.verify(output, name: "y").state == .finished)
      let kept = Reading(output.contents).records.filter { $0.kind == .text }
      #expect(Set(kept).count == kept.count, "after \(count): a record twice")
      #expect(kept.starts(with: reading.records))
    } else {
      try checkAppending(to: image, reading, of: recording, sync: .seconds(1))
    }
  }

  /// A writer continues what a crash left, and nothing that could be read before is lost.
  private func checkAppending(
    to image: TestPair.Image, _ before: Reading, of recording: Recording, sync: Duration?
  ) throws {
    let again = try Recording(from: image, first: 1000, count: 6, sync: sync)
    let reading = Reading(again.pair.image)
    #expect(reading.error == nil)
    #expect(reading.ending == .finished)
    #expect(reading.records.starts(with: before.records))
    #expect(reading.records.suffix(again.records.count) == again.records[...])
    let between = reading.records.dropFirst(before.records.count).dropLast(again.records.count)
    #expect(isContinuation(between, of: recording.records))
    #expect(again.pair.tail.contents.isEmpty)
    let verification = try CaptureVerification.verify(again.pair.capture, name: "x")
    #expect(verification.state == .finished, "\(verification.contradictions)")
    #expect(verification.records == UInt64(reading.records.count))
  }

  /// The writer that takes over what a crash left may crash, too.
  @Test func aCrashWhileTakingOverKeepsBothRecordings() throws {
    var generator = TestSupport.generator(for: "TailCrashTests.aCrashWhileTakingOver")
    for length in [3, 8, 13, 20] {
      let first = try Recording(count: length, finishing: false)
      let image = first.pair.image
      let kept = Reading(image).records.count
      #expect(kept >= first.promised(first.flushed, at: .max))
      // What was written before is on the device by now.
      let second = try Recording(from: image, first: 100, count: 10)
      let all = Array(first.records.prefix(kept)) + second.records
      for count in 0...second.pair.disk.operationCount {
        let images =
          [second.pair.killed(after: count)] + second.pair.powerCuts(after: count)
          + (0..<4).map { _ in second.pair.powerCut(after: count, using: &generator) }
        for image in images {
          let reading = Reading(image)
          #expect(reading.records.elementsEqual(all.prefix(reading.records.count)))
          #expect(reading.records.count >= kept, "after \(count) of \(length)")
        }
      }
    }
  }

  /// Tools that read a pair that a crash left find the same records in it.
  @Test func everyToolReadsWhatIsInTheTail() throws {
    let recording = try Recording(count: 21, finishing: false)
    let image = recording.pair.image
    let records = Reading(image).records
    #expect(!image.tail.isEmpty && records.count > Reading(image.capture).records.count)
    let verification = try CaptureVerification.verify(TestPair(image).source, name: "x")
    #expect(verification.state == .unfinished)
    #expect(verification.records == UInt64(records.count))
    #expect(verification.holeCount == 0)
    let summary = try CaptureSummary(TestPair(image).source, name: "x")
    #expect(summary.records.messages == UInt64(records.count))
    #expect(summary.damage == nil)
    let output = CrashingFile()
    let recovery = try recover(image.capture, tail: image.tail, to: output)
    #expect(recovery.records == UInt64(records.count))
    #expect(recovery.holeCount == 0)
    #expect(Reading(output.contents).records == records)
  }
}

/// Whether these records are what a writer may find behind a hole: a gap that says how many are
/// missing, then some of `all`, in their order.
func isContinuation(_ found: ArraySlice<Record>, of all: [Record]) -> Bool {
  guard let gap = found.first else { return true }
  guard gap.kind == .gap, gap.gap.reason == "damaged", gap.gap.messages ?? 0 > 0 else {
    return false
  }
  let rest = found.dropFirst()
  guard let first = rest.first, let start = all.firstIndex(of: first) else { return false }
  return all[start...].starts(with: rest)
}
