import Logging
import MWCCapture
import MWCCore
import MWCTestSupport
import SystemPackage
import Testing

@testable import MWC

/// The writing half alone, with batches made by hand and a file in memory that can fail.
@Suite struct RecordingPassTests {
  private let second: Int64 = 1_000_000_000

  /// A pass over two streams.
  private func makePass(
    _ file: CrashingFile, limits: RecorderOptions.Limits = .init(),
    filter: FilterExpression? = nil, _ change: (inout CaptureWriter.Options) -> Void = { _ in }
  ) throws -> RecordingPass {
    var options = CaptureWriter.Options()
    options.minFree = 0
    options.level = 0
    change(&options)
    let writer = try CaptureWriter(
      file: file, name: "memory.cap",
      session: CaptureSession(wallAnchor: 0, monotonicAnchor: 0, uris: ["ws://a", "ws://b"]),
      options: options, fileID: 1)
    return RecordingPass(
      outputs: [RecordingOutput(writer, path: "memory.cap")], uris: ["ws://a", "ws://b"],
      limits: limits, filter: filter, start: 0, logger: .silent)
  }

  /// A batch of messages `(connection, kind, payload)`, a millisecond apart from `time` on.
  private func batch(
    at time: Int64, _ messages: [(connection: UInt32, kind: Message.Kind, payload: [UInt8])]
  ) -> MessageBatch {
    let batch = MessageBatch(byteCapacity: 1 << 20, entryCapacity: 4096)
    for (index, message) in messages.enumerated() {
      let now = time + Int64(index) * 1_000_000
      let isAdded = unsafe batch.append(
        Message(
          wallTime: now, monotonicTime: now, connection: message.connection, kind: message.kind,
          payload: message.payload.span.bytes))
      precondition(isAdded, "the batch is large enough")
    }
    return batch
  }

  private func texts(_ count: Int, connection: UInt32, size: Int = 10) -> [(
    connection: UInt32, kind: Message.Kind, payload: [UInt8]
  )] {
    (0..<count).map { _ in (connection, .text, [UInt8](repeating: 0x61, count: size)) }
  }

  /// Text messages of a connection that stand in the file.
  private func stored(in file: CrashingFile, connection: UInt32) throws -> Int64 {
    var reader = try CaptureReader.open(file, name: "memory.cap")
    var count: Int64 = 0
    while let message = try reader.next() {
      if message.kind == .text, message.connection == connection { count += 1 }
    }
    return count
  }

  // MARK: Counters

  @Test func countersBalanceWithTheFile() throws {
    let file = CrashingFile()
    let pass = try makePass(file)
    try pass.take(batch(at: 0, texts(5, connection: 1) + texts(3, connection: 2, size: 7)))
    try pass.close(now: second)
    let streams = pass.statistics.connections
    #expect(streams.map(\.received.messages) == [5, 3])
    #expect(streams.map(\.received.bytes) == [50, 21])
    #expect(streams.map(\.written) == streams.map(\.received))
    #expect(try stored(in: file, connection: 1) == 5)
    #expect(try stored(in: file, connection: 2) == 3)
    #expect(pass.statistics.elapsed == second)
    #expect(pass.statistics.fileBytes == Int64(file.contents.count))
  }

  @Test func afterTheLastMessageAskedForTheRestIsFiltered() throws {
    let file = CrashingFile()
    var limits = RecorderOptions.Limits()
    limits.messages = 4
    let pass = try makePass(file, limits: limits)
    try pass.take(batch(at: 0, texts(3, connection: 1) + texts(3, connection: 2)))
    try pass.take(batch(at: second, texts(2, connection: 1)))
    guard case .messagesReached = pass.limitReached else {
      Issue.record("\(String(describing: pass.limitReached))")
      return
    }
    try pass.close(now: second)
    let streams = pass.statistics.connections
    #expect(streams.map(\.received.messages) == [5, 3])
    #expect(streams.map(\.filtered.messages) == [2, 2])
    #expect(streams.map(\.written.messages) == [3, 1])
    #expect(try stored(in: file, connection: 1) == 3)
    #expect(try stored(in: file, connection: 2) == 1)
  }

  @Test func whatDoesNotMeetTheFilterIsFiltered() throws {
    let file = CrashingFile()
    var limits = RecorderOptions.Limits()
    limits.messages = 3
    let pass = try makePass(
      file, limits: limits, filter: try FilterExpression("n > 1 or $connection == 2"))
    let text = { (connection: UInt32, payload: String) in
      (connection, Message.Kind.text, Array(payload.utf8))
    }
    try pass.take(
      batch(
        at: 0,
        [
          (1, .opened, Array("{}".utf8)), text(1, #"{"n":1}"#), text(1, #"{"n":2}"#),
          text(2, "no JSON"), text(1, "no JSON"), (1, .ping, []), (1, .gap, Array("{}".utf8)),
          text(1, #"{"n":3}"#), text(1, #"{"n":4}"#),
        ]))
    try pass.close(now: second)
    let streams = pass.statistics.connections
    #expect(streams.map(\.received.messages) == [5, 1])
    #expect(streams.map(\.written.messages) == [2, 1])
    // Two by the filter, one by the limit, which counts what is recorded.
    #expect(streams.map(\.filtered.messages) == [3, 0])
    #expect(streams[0].filtered.bytes == 7 + 7 + 7)
    #expect(try stored(in: file, connection: 1) == 2)
    // What happened is recorded whatever the filter says.
    var reader = try CaptureReader.open(file, name: "memory.cap")
    var others: [Message.Kind] = []
    while let message = try reader.next() {
      if !message.kind.isData { others.append(message.kind) }
    }
    #expect(others == [.opened, .ping, .gap])
  }

  @Test func messagesBehindTheDurationAreFiltered() throws {
    let file = CrashingFile()
    var limits = RecorderOptions.Limits()
    limits.duration = 2_000_000
    let pass = try makePass(file, limits: limits)
    // At 0, 1, 2 and 3 ms: the recording ends at 2 ms.
    try pass.take(batch(at: 0, texts(4, connection: 1)))
    try pass.close(now: second)
    #expect(pass.statistics.connections[0].written.messages == 2)
    #expect(pass.statistics.connections[0].filtered.messages == 2)
    #expect(try stored(in: file, connection: 1) == 2)
  }

  @Test func theDurationEndsASilentRecording() throws {
    var limits = RecorderOptions.Limits()
    limits.duration = second
    let pass = try makePass(CrashingFile(), limits: limits)
    #expect(try pass.tick(now: second - 1) == second)
    #expect(pass.limitReached == nil)
    _ = try pass.tick(now: second)
    #expect(pass.limitReached != nil)
  }

  @Test func eventsAreCountedAndRecordedEvenBehindALimit() throws {
    let file = CrashingFile()
    var limits = RecorderOptions.Limits()
    limits.messages = 1
    let pass = try makePass(file, limits: limits)
    let gap = Array(#"{"reason":"disconnected","messages":null,"bytes":null}"#.utf8)
    let empty = Array("{}".utf8)
    try pass.take(
      batch(
        at: 0,
        [
          (1, .opened, empty), (1, .text, [0x31]), (1, .error, empty), (1, .closed, empty),
          (1, .gap, gap), (1, .opened, empty), (1, .ping, []), (1, .text, [0x32]),
        ]))
    try pass.close(now: second)
    let stream = pass.statistics.connections[0]
    #expect(stream.connects == 2 && stream.reconnects == 1)
    #expect(stream.errors == 1)
    #expect(stream.gaps == 1)
    // From the closing at 3 ms to the gap at 4 ms.
    #expect(stream.gapTime == 1_000_000)
    #expect(stream.written.messages == 1 && stream.filtered.messages == 1)
    var reader = try CaptureReader.open(file, name: "memory.cap")
    var kinds: [Message.Kind] = []
    while let message = try reader.next() { kinds.append(message.kind) }
    #expect(kinds == [.opened, .text, .error, .closed, .gap, .opened, .ping])
  }

  // MARK: A full disk

  @Test func aFullDiskLosesMessagesAndSaysHowManyOfWhichStream() throws {
    let file = CrashingFile()
    let pass = try makePass(file) { $0.minFree = 1 }
    try pass.take(batch(at: 0, texts(10, connection: 1) + texts(10, connection: 2)))
    try pass.sync()
    let safe = file.contents.count
    file.capacity = safe + 100
    try pass.take(batch(at: second, texts(30, connection: 1) + texts(20, connection: 2)))
    try pass.sync()
    _ = try pass.tick(now: 2 * second)
    #expect(pass.statistics.isDiskFull)
    #expect(pass.statistics.connections.map(\.dropped.messages) == [30, 20])
    #expect(pass.statistics.connections.map(\.written.messages) == [10, 10])
    #expect(pass.diskError == nil, "with something to keep free, the recorder waits for room")

    // More is lost while there is no room; then there is.
    try pass.take(batch(at: 3 * second, texts(5, connection: 2)))
    file.capacity = .max
    for step in 4...10 { _ = try pass.tick(now: Int64(step) * second) }
    #expect(!pass.statistics.isDiskFull)
    try pass.take(batch(at: 11 * second, texts(1, connection: 1)))
    try pass.close(now: 12 * second)
    let streams = pass.statistics.connections
    #expect(streams.map(\.received.messages) == [41, 35])
    #expect(streams.map(\.dropped.messages) == [30, 25])
    #expect(streams.map(\.written.messages) == [11, 10])
    #expect(try stored(in: file, connection: 1) == 11)
    #expect(try stored(in: file, connection: 2) == 10)
  }

  @Test func aDiskThatStaysFullIsTheErrorAtTheEnd() throws {
    let file = CrashingFile()
    let pass = try makePass(file) { $0.minFree = 1 }
    file.capacity = file.contents.count
    try pass.take(batch(at: 0, texts(3, connection: 1)))
    let error = #expect(throws: CaptureError.self) { try pass.close(now: second) }
    #expect(error?.code == .diskFull)
    #expect(pass.statistics.connections[0].dropped.messages == 3)
    #expect(pass.statistics.connections[0].written.messages == 0)
  }

  @Test func withNothingToKeepFreeAFullDiskIsTheEnd() throws {
    let file = CrashingFile()
    let pass = try makePass(file)
    file.capacity = file.contents.count
    try pass.take(batch(at: 0, texts(3, connection: 1)))
    try pass.sync()
    _ = try pass.tick(now: second)
    #expect(pass.diskError?.code == .diskFull)
  }

  /// Whatever write fails, in whatever way: what the counters call written is in the file.
  @Test func countersBalanceAfterEveryFailure() throws {
    let faults: [CrashingFile.Fault] = [.error(.noSpace), .error(.ioError), .partial(7, .noSpace)]
    for fault in faults {
      for failing in 1..<12 {
        let file = CrashingFile()
        let pass = try makePass(file) { $0.minFree = 1 }
        file.fault = { $0 == failing ? fault : nil }
        for step in 0..<10 {
          let time = Int64(step) * 5 * second
          try pass.take(batch(at: time, texts(4, connection: 1) + texts(2, connection: 2)))
          try pass.sync()
          _ = try pass.tick(now: time)
          _ = try pass.tick(now: time + 2 * second)
        }
        file.fault = { _ in nil }
        _ = try pass.tick(now: 60 * second)
        _ = try pass.tick(now: 62 * second)
        try pass.close(now: 63 * second)
        let streams = pass.statistics.connections
        #expect(streams.map(\.received.messages) == [40, 20])
        for (index, stream) in streams.enumerated() {
          let inFile = try stored(in: file, connection: UInt32(index + 1))
          #expect(stream.written.messages == inFile, "write \(failing) failed with \(fault)")
        }
      }
    }
  }

  // MARK: Sleep

  @Test func aSleepIsAGapOfEveryStream() throws {
    let file = CrashingFile()
    let pass = try makePass(file)
    try pass.noteSleep(SleepWatch.Reading(boot: 0, monotonic: 0))
    try pass.noteSleep(SleepWatch.Reading(boot: 60 * second, monotonic: second))
    try pass.close(now: 2 * second)
    #expect(pass.statistics.connections.map(\.gaps) == [1, 1])
    #expect(pass.statistics.connections.map(\.gapTime) == [59 * second, 59 * second])
    var reader = try CaptureReader.open(file, name: "memory.cap")
    var payloads: [String] = []
    while let message = try reader.next() {
      guard message.kind == .gap else { continue }
      payloads.append(
        unsafe message.payload.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) })
    }
    #expect(
      payloads
        == [#"{"reason":"suspended","messages":null,"bytes":null,"duration_ns":59000000000}"#])
  }
}
