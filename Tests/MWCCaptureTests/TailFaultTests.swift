import MWCCapture
import MWCCore
import MWCTestSupport
import SystemPackage
import Testing

/// The n-th call to the file system fails, for every n, on the capture or on its tail: what was
/// written stays valid, and what is missing is counted.
@Suite struct TailFaultTests {
  private struct Outcome {
    var writer: CaptureWriter?
    var records: [Record] = []
    var notices: [CaptureWriter.Notice] = []
    var error: CaptureError?
  }

  /// Records forty messages with a clock that moves on, whatever the files do.
  private func record(
    to pair: TestPair, _ change: (inout CaptureWriter.Options) -> Void = { _ in }
  ) -> Outcome {
    var options = Sample.sealing
    options.blockSize = 500
    change(&options)
    var outcome = Outcome()
    do throws(CaptureError) {
      let writer = try CaptureWriter(pair, options)
      outcome.writer = writer
      for number in 0..<40 {
        let record = Record(number, size: 30)
        try writer.append(record)
        outcome.records.append(record)
        // A second passes with every fourth message: flushes, syncs and retries are due.
        _ = try writer.tick(now: Int64(number) * 250_000_000)
        while let notice = writer.takeNotice() { outcome.notices.append(notice) }
      }
      try writer.close()
    } catch {
      outcome.error = error
    }
    while let notice = outcome.writer?.takeNotice() { outcome.notices.append(notice) }
    return outcome
  }

  /// received = written + dropped, and the files say the same.
  private func checkBalance(_ pair: TestPair, _ outcome: Outcome, _ hint: String) throws {
    guard let writer = outcome.writer else { return }
    let statistics = writer.statistics
    #expect(
      UInt64(outcome.records.count)
        == statistics.messages - statistics.ownRecords + statistics.droppedMessages, "\(hint)")
    let reading = Reading(pair.image)
    #expect(reading.error == nil, "\(hint)")
    #expect(UInt64(reading.records.count) == statistics.messages, "\(hint)")
    let kept = reading.records.filter { $0.kind == .text }
    var rest = outcome.records[...]
    for record in kept {
      let place = try #require(rest.firstIndex(of: record), "\(hint)")
      rest = rest[(place + 1)...]
    }
    let noted = reading.records.filter { $0.kind == .gap }.reduce(UInt64(0)) {
      $0 + ($1.gap.messages ?? 0)
    }
    #expect(noted <= statistics.droppedMessages, "\(hint)")
    if reading.ending == .finished { #expect(noted == statistics.droppedMessages, "\(hint)") }
    #expect(writer.droppedTallies.total().messages == statistics.droppedMessages, "\(hint)")
    #expect(writer.droppedTallies.total().bytes == statistics.droppedBytes, "\(hint)")
  }

  @Test(arguments: FaultTests.faults.indices)
  func survivesOneFailureAnywhere(faultNumber: Int) throws {
    let fault = FaultTests.faults[faultNumber]
    let clean = TestPair()
    _ = record(to: clean)
    for isTail in [false, true] {
      let calls = (isTail ? clean.tail : clean.capture).log.count
      #expect(calls > 5)
      for number in 0..<calls {
        let pair = TestPair()
        (isTail ? pair.tail : pair.capture).fault = { $0 == number ? fault : nil }
        let outcome = record(to: pair)
        let hint = "\(fault) at \(number) of the \(isTail ? "tail" : "capture")"
        if outcome.writer == nil { #expect(number == 0 && !isTail, "\(hint)") }
        try checkBalance(pair, outcome, hint)
        if outcome.error == nil {
          #expect(Reading(pair.capture.contents).ending == .finished, "\(hint)")
          #expect(
            try CaptureVerification.verify(pair.capture, name: "x").state == .finished, "\(hint)")
        }
      }
    }
  }

  @Test(arguments: [Errno.noSpace, .ioError])
  func stopsAndGoesOnWhenThereIsRoom(_ error: Errno) throws {
    for start in 1..<12 {
      let pair = TestPair()
      // Nothing can be written to either for a while, truncating included.
      let first = record(to: TestPair()).writer?.statistics.flushes ?? 0
      #expect(first > 12)
      var calls = 0
      let fault: (Int) -> CrashingFile.Fault? = { _ in
        calls += 1
        return (start..<start + 6).contains(calls) ? .error(error) : nil
      }
      pair.capture.fault = fault
      pair.tail.fault = fault
      let outcome = record(to: pair)
      let hint = "from \(start) on"
      guard outcome.writer != nil else {
        #expect(start < 3, "\(hint)")
        continue
      }
      #expect(outcome.error == nil, "\(hint)")
      try checkBalance(pair, outcome, hint)
      #expect(Reading(pair.capture.contents).ending == .finished, "\(hint)")
    }
  }

  @Test func aDiskThatStaysFullLeavesAReadableCapture() throws {
    let pair = TestPair()
    pair.capture.capacity = 700
    pair.tail.capacity = 700
    let outcome = record(to: pair)
    #expect(outcome.error?.code == .diskFull)
    try checkBalance(pair, outcome, "700 bytes")
    #expect(!Reading(pair.image).records.isEmpty)
  }

  /// Where the capture cannot be synced, the tail is kept: it may be all there is.
  @Test func aFailedSyncKeepsTheTail() throws {
    for number in 1..<3 {
      let pair = TestPair()
      pair.capture.syncFault = { $0 == number ? .ioError : nil }
      let outcome = record(to: pair)
      #expect(outcome.error?.code == .io)
      #expect(
        outcome.notices.count { if case .syncFailed = $0 { true } else { false } } == 1)
      #expect(!pair.tail.contents.isEmpty)
      #expect(Reading(pair.image).records == outcome.records)
    }
  }

  @Test func keepsSpaceFree() throws {
    let pair = TestPair()
    pair.capture.capacity = 100_000
    let outcome = record(to: pair) { $0.minFree = 99_000 }
    #expect(outcome.error?.code == .diskFull)
    #expect(pair.capture.contents.count <= 1000)
    try checkBalance(pair, outcome, "minFree")
  }
}
