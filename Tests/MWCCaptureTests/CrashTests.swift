import MWCCapture
import MWCCore
import MWCTestSupport
import Testing

/// Every point at which a writer can be killed or the power can go, on a short recording.
@Suite struct CrashTests {
  /// Records a few messages with flushes and syncs, and remembers what was promised when.
  struct Recording {
    var file: CrashingFile
    var records: [Record]
    /// After so many operations on the file, so many records are with the kernel.
    var flushed: [(operations: Int, records: Int)] = []
    /// The same for the device.
    var synced: [(operations: Int, records: Int)] = []

    init(from image: [UInt8] = [], first: Int = 0, finishing: Bool = true) throws {
      file = CrashingFile(image)
      records = []
      var options = Sample.options
      options.blockSize = 400
      options.syncInterval = .seconds(1)
      let writer = try CaptureWriter(file, options)
      note(&synced)
      for number in 0..<12 {
        let record = Record(first + number, size: number * 40)
        try writer.append(record)
        records.append(record)
        if number % 2 == 1 {
          try writer.flush()
          note(&flushed)
        }
        if number % 5 == 4 {
          try writer.flush()
          note(&flushed)
          writer.sync()
          note(&synced)
        }
      }
      if finishing {
        try writer.close()
        note(&flushed)
        note(&synced)
      }
    }

    private func note(_ promises: inout [(operations: Int, records: Int)]) {
      promises.append((file.log.count, records.count))
    }

    func promised(_ promises: [(operations: Int, records: Int)], at operations: Int) -> Int {
      promises.last { $0.operations <= operations }?.records ?? 0
    }
  }

  @Test func aKilledProcessKeepsWhatWasFlushed() throws {
    let recording = try Recording()
    for count in 1...recording.file.log.count {
      let pieces: [Int] =
        if count < recording.file.log.count, case .write(_, let bytes) = recording.file.log[count] {
          [0, 1, 63, 64, 65, 76, bytes.count - 1].filter { $0 < bytes.count }
        } else { [0] }
      for partial in pieces {
        let image = recording.file.killed(after: count, partial: partial)
        let reading = Reading(image)
        #expect(reading.error == nil, "after \(count) and \(partial) bytes")
        #expect(reading.records.elementsEqual(recording.records.prefix(reading.records.count)))
        #expect(reading.records.count >= recording.promised(recording.flushed, at: count))
        try checkAppending(to: image, reading)
      }
    }
  }

  @Test func aPowerCutKeepsWhatWasSynced() throws {
    var generator = TestSupport.generator(for: "CrashTests.aPowerCutKeepsWhatWasSynced")
    let recording = try Recording()
    let begun = recording.synced[0].operations
    for count in begun...recording.file.log.count {
      for _ in 0..<12 {
        let image = recording.file.powerCut(after: count, using: &generator)
        let reading = Reading(image)
        #expect(reading.records.elementsEqual(recording.records.prefix(reading.records.count)))
        #expect(reading.records.count >= recording.promised(recording.synced, at: count))
        if let error = reading.error {
          // A hole with sound blocks behind it: these are recovered, too.
          #expect(error.code == .damaged)
          let output = CrashingFile()
          let recovery = try recover(image, to: output)
          #expect(recovery.records >= reading.records.count)
          #expect(try CaptureVerification.verify(output, name: "y").state == .finished)
        } else {
          try checkAppending(to: image, reading)
        }
      }
    }
  }

  /// A writer continues what a crash left, and nothing that could be read before is lost.
  private func checkAppending(to image: [UInt8], _ before: Reading) throws {
    let again = try Recording(from: image, first: 1000)
    let reading = Reading(again.file.contents)
    #expect(reading.error == nil)
    #expect(reading.ending == .finished)
    #expect(reading.records == before.records + again.records)
    let verification = try CaptureVerification.verify(again.file, name: "x")
    #expect(verification.state == .finished, "\(verification.contradictions)")
    #expect(verification.records == UInt64(reading.records.count))
  }

  @Test func aCrashWhileAppendingKeepsTheFirstRecording() throws {
    var generator = TestSupport.generator(for: "CrashTests.aCrashWhileAppending")
    for finished in [true, false] {
      let first = try Recording(finishing: finished)
      // What was written before is on the device by now.
      let second = try Recording(from: first.file.contents, first: 100)
      for count in 0...second.file.log.count {
        for image in [
          second.file.killed(after: count),
          second.file.powerCut(after: count, using: &generator),
        ] {
          let reading = Reading(image)
          let all = first.records + second.records
          #expect(reading.records.elementsEqual(all.prefix(reading.records.count)))
          let kept = finished ? first.records.count : Reading(first.file.contents).records.count
          #expect(reading.records.count >= kept, "after \(count), finished: \(finished)")
        }
      }
    }
  }
}
