import MWCCapture
import MWCCore
import MWCTestSupport
import SystemPackage
import Testing

/// The n-th call to the file system fails, for every n: what was written stays valid, and what is
/// missing is counted.
@Suite struct FaultTests {
  /// Records forty messages with a clock that moves on, whatever the file does.
  private func record(
    to file: CrashingFile, _ options: CaptureWriter.Options = Sample.options
  ) -> (
    writer: CaptureWriter?, records: [Record], notices: [CaptureWriter.Notice], error: CaptureError?
  ) {
    var options = options
    options.blockSize = 500
    var records: [Record] = []
    var notices: [CaptureWriter.Notice] = []
    do throws(CaptureError) {
      let writer = try CaptureWriter(file, options)
      do throws(CaptureError) {
        for number in 0..<40 {
          let record = Record(number, size: 30)
          try writer.append(record)
          records.append(record)
          // A second passes with every fourth message: flushes, syncs and retries are due.
          _ = try writer.tick(now: Int64(number) * 250_000_000)
          while let notice = writer.takeNotice() { notices.append(notice) }
        }
        try writer.close()
      } catch {
        return (writer, records, notices, error)
      }
      while let notice = writer.takeNotice() { notices.append(notice) }
      return (writer, records, notices, nil)
    } catch {
      return (nil, records, notices, error)
    }
  }

  /// received = written + dropped, and the file says the same.
  private func checkBalance(
    _ file: CrashingFile, _ writer: CaptureWriter, _ records: [Record], _ hint: String
  ) throws {
    let statistics = writer.statistics
    #expect(
      UInt64(records.count)
        == statistics.messages - statistics.ownRecords + statistics.droppedMessages, "\(hint)")
    let reading = Reading(file.contents)
    #expect(reading.error == nil, "\(hint)")
    #expect(UInt64(reading.records.count) == statistics.messages, "\(hint)")
    let kept = reading.records.filter { $0.kind == .text }
    var rest = records[...]
    for record in kept {
      let place = try #require(rest.firstIndex(of: record), "\(hint)")
      rest = rest[(place + 1)...]
    }
    let noted = reading.records.filter { $0.kind == .gap }.reduce(UInt64(0)) {
      $0 + ($1.gap.messages ?? 0)
    }
    #expect(noted <= statistics.droppedMessages, "\(hint)")
    if reading.ending == .finished { #expect(noted == statistics.droppedMessages, "\(hint)") }
    let dropped = writer.droppedTallies.total()
    #expect(dropped.messages == statistics.droppedMessages, "\(hint)")
    #expect(dropped.bytes == statistics.droppedBytes, "\(hint)")
  }

  static let faults: [CrashingFile.Fault] = [
    .error(.noSpace), .error(.ioError), .partial(0, .noSpace), .partial(1, .ioError),
    .partial(64, .noSpace), .partial(100, .ioError), .short(1), .short(70),
  ]

  /// What the tools write has no tail: a disk that is full ends it.
  @Test func aFullDiskEndsACaptureWithoutATail() throws {
    let file = CrashingFile()
    file.capacity = 2_000
    let writer = try CaptureWriter(file, Sample.sealing)
    for number in 0..<40 { try writer.append(Record(number, size: number * 7)) }
    file.capacity = file.contents.count + 10
    let error = #expect(throws: CaptureError.self) { try writer.close() }
    #expect(error?.code == .diskFull)
    #expect(Reading(file.contents).error == nil)
  }

  @Test(arguments: faults.indices)
  func survivesOneFailureAnywhere(faultNumber: Int) throws {
    let fault = FaultTests.faults[faultNumber]
    let clean = CrashingFile()
    _ = record(to: clean)
    let calls = clean.log.count
    for number in 0..<calls {
      let file = CrashingFile()
      file.fault = { $0 == number ? fault : nil }
      let (writer, records, notices, error) = record(to: file)
      let hint = "\(fault) at \(number)"
      guard let writer else {
        #expect(number == 0, "\(hint)")
        #expect(error != nil)
        continue
      }
      if case .short = fault { #expect(notices.isEmpty, "\(hint)") }
      try checkBalance(file, writer, records, hint)
      if error == nil {
        #expect(Reading(file.contents).ending == .finished, "\(hint)")
        #expect(try CaptureVerification.verify(file, name: "x").state == .finished, "\(hint)")
      }
      // Said once when it stops, once when it goes on.
      let stops = notices.filter { if case .suspended = $0 { true } else { false } }.count
      let resumptions = notices.filter { if case .resumed = $0 { true } else { false } }.count
      #expect(stops <= 1, "\(hint)")
      #expect(resumptions <= stops)
      #expect(file.isClosed || error != nil)
    }
  }

  @Test(arguments: [Errno.noSpace, .ioError])
  func stopsAndGoesOnWhenThereIsRoom(_ error: Errno) throws {
    for start in 2..<12 {
      let file = CrashingFile()
      // Nothing can be written for a while, truncating included.
      file.fault = { (start..<start + 4).contains($0) ? .error(error) : nil }
      let (writer, records, notices, failure) = record(to: file)
      let hint = "from \(start) on"
      let recorded = try #require(writer, "\(hint)")
      #expect(failure == nil, "\(hint)")
      try checkBalance(file, recorded, records, hint)
      guard case .suspended(let said)? = notices.first else {
        Issue.record("nothing was said: \(hint)")
        continue
      }
      #expect(said.code == (error == .noSpace ? .diskFull : .io))
      let dropped = recorded.statistics.droppedMessages
      #expect(dropped > 0)
      #expect(
        notices.last
          == .resumed(messages: dropped, bytes: recorded.statistics.droppedBytes), "\(hint)")
      let reading = Reading(file.contents)
      #expect(reading.ending == .finished)
      let gaps = reading.records.filter { $0.kind == .gap }
      #expect(gaps.map(\.gap.reason) == [error == .noSpace ? "disk-full" : "io-error"])
      #expect(gaps.map(\.gap.messages) == [dropped])
    }
  }

  @Test func aDiskThatStaysFullLeavesAReadableCapture() throws {
    let file = CrashingFile()
    file.capacity = 900
    let (writer, records, notices, error) = record(to: file)
    let recorded = try #require(writer)
    #expect(error?.code == .diskFull)
    #expect(notices.count == 1)
    #expect(file.isClosed)
    try checkBalance(file, recorded, records, "900 bytes")
    let reading = Reading(file.contents)
    #expect(reading.records.count > 0)
    #expect(reading.ending == .unfinished(end: Int64(file.contents.count), excess: 0))
  }

  @Test func keepsSpaceFree() throws {
    let file = CrashingFile()
    file.capacity = 100_000
    var options = Sample.options
    options.minFree = 99_000
    let (writer, records, notices, error) = record(to: file, options)
    let recorded = try #require(writer)
    #expect(error?.code == .diskFull)
    #expect(file.contents.count <= 1000)
    #expect(notices.count == 1)
    #expect(
      error?.description.hasPrefix("test.cap: the disk has less than 99000 bytes free") == true)
    try checkBalance(file, recorded, records, "minFree")
  }

  @Test func doesNotBeginOnAFullDisk() {
    let file = CrashingFile()
    file.capacity = 10
    #expect(throws: CaptureError.self) { try CaptureWriter(file) }
  }

  @Test func aFailedSyncIsSaidOnceAndAtTheEnd() throws {
    for number in 1..<4 {
      let file = CrashingFile()
      file.syncFault = { $0 == number ? .ioError : nil }
      let (writer, records, notices, error) = record(to: file)
      let recorded = try #require(writer)
      #expect(error?.code == .io)
      #expect(notices.filter { if case .syncFailed = $0 { true } else { false } }.count == 1)
      #expect(recorded.statistics.droppedMessages == 0)
      #expect(Reading(file.contents).records == records)
    }
  }
}
