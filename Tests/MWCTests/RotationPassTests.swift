import Dispatch
import Logging
import MWCCapture
import MWCCore
import MWCTestSupport
import SystemPackage
import Testing

@testable import MWC

/// Outputs that go on in new files, in a folder in memory that can fail.
@Suite struct RotationPassTests {
  private let second: Int64 = 1_000_000_000
  private let folder = MemoryFolder()
  private let log = CollectedLog()

  /// A pass over `streams` streams; all in one output, or each in its own.
  private func makePass(
    streams: Int = 1, pattern: String = "run.cap",
    _ change: (inout RecorderOptions.Rotation) -> Void = { _ in }
  ) throws -> RecordingPass {
    var rotation = RecorderOptions.Rotation()
    change(&rotation)
    let name = OutputName(pattern: pattern)
    let uris = (1...streams).map { "ws://\($0)" }
    let outputs = try (name.hasStream ? uris.map { [$0] } : [uris]).enumerated().map {
      try RecordingOutput(
        CaptureSession(wallAnchor: 0, monotonicAnchor: 0, uris: $0.element, host: "host"),
        series: FileSeries(
          name, host: "host", stream: $0.offset + 1, isNumbered: false, time: 0),
        rules: rotation, schedule: RotationSchedule(interval: rotation.interval) { _ in 0 },
        first: folder.open, open: folder.open)
    }
    return RecordingPass(
      outputs: outputs, uris: uris, limits: .init(), start: 0,
      logger: Logger(label: "") { [log] _ in log })
  }

  /// Messages with numbers from `first` on, a millisecond apart from `time` on.
  private func batch(
    _ numbers: ClosedRange<Int>, at time: Int64, connection: UInt32 = 1,
    kind: Message.Kind = .text, payload: String? = nil
  ) -> MessageBatch {
    let batch = MessageBatch(byteCapacity: 1 << 20, entryCapacity: 4096)
    for number in numbers {
      let now = time + Int64(number - numbers.lowerBound) * 1_000_000
      let bytes = Array((payload ?? String(number)).utf8)
      let isAdded = unsafe batch.append(
        Message(
          wallTime: now, monotonicTime: now, connection: connection, kind: kind,
          payload: bytes.span.bytes))
      precondition(isAdded, "the batch is large enough")
    }
    return batch
  }

  /// Lets the thread of files do what it has to do.
  private func settle(_ pass: RecordingPass, at now: Int64) async throws {
    try await waitUntil("no file waits to be completed") {
      _ = try pass.tick(now: now)
      return !pass.isWaitingForFiles
    }
  }

  // MARK: What is where

  @Test func eachMessageIsInOneFileAndEachFileStandsAlone() async throws {
    let pass = try makePass()
    let opened = #"{"uri":"ws://1","subprotocol":"x"}"#
    try pass.take(
      batch(1...1, at: 0, kind: .state, payload: #"{"from":"connecting","to":"connected"}"#))
    try pass.take(batch(1...1, at: 0, kind: .opened, payload: opened))
    try pass.take(batch(1...5, at: second))
    for file in 1...3 {
      pass.requestRotation()
      let first = file * 5 + 1
      try pass.take(batch(first...first + 4, at: Int64(file + 1) * second))
      try await settle(pass, at: Int64(file + 1) * second)
    }
    try pass.close(now: 5 * second)

    #expect(folder.names == ["run.cap", "run.0001.cap", "run.0002.cap", "run.0003.cap"])
    #expect(pass.statistics.files == folder.names)
    for (index, name) in folder.names.enumerated() {
      #expect(try folder.numbers(in: name) == Array(index * 5 + 1...index * 5 + 5))
      var reader = try CaptureReader.open(try folder.file(name), name: name)
      #expect(reader.session.uris == ["ws://1"])
      guard index > 0 else { continue }
      #expect(reader.session.wallAnchor == Int64(index + 1) * second, "of its first message")
      #expect(reader.session.options == ["recording=0/0", "part=\(index + 1)"])
      #expect(try reader.advance())
      #expect(reader.current.kind == .state)
      #expect(
        text(of: reader.current) == #"{"from":"connected","to":"connected","opened":\#(opened)}"#)
    }
    let stream = pass.statistics.connections[0]
    #expect(stream.written.messages == 20 && stream.received.messages == 20)
    #expect(stream.connects == 1, "a connection that stands was not opened again")
    #expect(pass.statistics.fileBytes == folder.names.reduce(0) { $0 + folder.size(of: $1) })
  }

  @Test func messagesGoToTheFileOfTheirTime() async throws {
    let pass = try makePass(pattern: "run-%M%S.cap") { $0.interval = 60 * second }
    try pass.lookAtFiles(wall: 0)
    // From 59.998 s on.
    try pass.take(batch(1...5, at: 60 * second - 2_000_000))
    try await settle(pass, at: 60 * second)
    // Nobody says anything for two minutes.
    try pass.rotateIfDue(wall: 179 * second, now: 179 * second)
    try await settle(pass, at: 179 * second)
    try pass.take(batch(6...6, at: 180 * second))
    try pass.close(now: 181 * second)
    let contents = try folder.names.map { try folder.numbers(in: $0) }
    #expect(contents == [[1, 2], [3, 4, 5], [], [6]])
    #expect(folder.names == ["run-0000.cap", "run-0100.cap", "run-0200.cap", "run-0300.cap"])
  }

  @Test func aFileThatIsLargeEnoughIsFollowedByTheNext() async throws {
    let pass = try makePass { $0.size = 20_000 }
    let padding = String(repeating: "x", count: 1000)
    for round in 0..<10 {
      let now = Int64(round) * second
      try pass.take(batch(1...10, at: now, payload: padding))
      try pass.sync()
      try pass.lookAtFiles(wall: now)
      try pass.rotateIfDue(wall: now, now: now)
      try await settle(pass, at: now)
    }
    try pass.close(now: 10 * second)
    // 10 KiB each time, and each second time that is enough.
    #expect(pass.statistics.fileCount == 6)
    for name in folder.names.dropLast() {
      #expect((20_000..<25_000).contains(folder.size(of: name)))
    }
  }

  @Test func streamsWithFilesOfTheirOwn() async throws {
    let pass = try makePass(streams: 2, pattern: "run-%i.cap")
    try pass.take(batch(1...3, at: 0, connection: 1))
    try pass.take(batch(11...12, at: 0, connection: 2))
    pass.requestRotation()
    try pass.rotateIfDue(wall: second, now: second)
    try pass.take(batch(4...4, at: second, connection: 1))
    try await settle(pass, at: second)
    try pass.close(now: 2 * second)
    #expect(folder.names.count == 4)
    #expect(try folder.numbers(in: "run-0001.cap") == [1, 2, 3])
    #expect(try folder.numbers(in: "run-0001.0001.cap") == [4])
    #expect(try folder.numbers(in: "run-0002.cap") == [11, 12])
    #expect(try folder.numbers(in: "run-0002.0001.cap") == [])
    for name in folder.names {
      var reader = try CaptureReader.open(try folder.file(name), name: name)
      #expect(reader.session.uris == ["ws://\(name.hasPrefix("run-0001") ? 1 : 2)"])
      while try reader.advance() { #expect(reader.current.connection == 1) }
    }
    #expect(pass.statistics.connections.map(\.written.messages) == [4, 2])
  }

  // MARK: When something fails

  @Test func withoutANextFileTheRecordingGoesOnInThisOne() async throws {
    let pass = try makePass()
    folder.refusal = CaptureError(.cannotCreate, "cannot be created", file: "run.0001.cap")
    pass.requestRotation()
    for step in 1...5 {
      try pass.take(batch(step...step, at: Int64(step) * second))
      try await settle(pass, at: Int64(step) * second)
    }
    #expect(folder.names == ["run.cap"])
    #expect(log.lines.count { $0.contains("goes on in run.cap") } == 1, "said once")
    folder.refusal = nil
    try pass.take(batch(6...6, at: 6 * second))
    #expect(folder.names == ["run.cap", "run.0001.cap"])
    #expect(log.lines.contains { $0.contains("files can be made again") })
    try pass.close(now: 7 * second)
    #expect(try folder.numbers(in: "run.cap") == [1, 2, 3, 4, 5])
    #expect(try folder.numbers(in: "run.0001.cap") == [6])
  }

  @Test func aFullDiskIsNotLeft() async throws {
    let pass = try makePass()
    try pass.take(batch(1...3, at: 0))
    try pass.sync()
    let file = try folder.file("run.cap")
    file.capacity = file.contents.count
    try pass.take(batch(4...4, at: second))
    try pass.sync()
    pass.requestRotation()
    for step in 2...3 {
      try pass.take(batch(step + 3...step + 3, at: Int64(step) * second))
      _ = try pass.tick(now: Int64(step) * second)
    }
    #expect(folder.names == ["run.cap"])
    #expect(pass.statistics.isDiskFull)
    file.capacity = .max
    for step in 4...6 { _ = try pass.tick(now: Int64(step) * second) }
    #expect(!pass.statistics.isDiskFull)
    try pass.take(batch(7...8, at: 7 * second))
    try await settle(pass, at: 7 * second)
    try pass.close(now: 8 * second)
    #expect(try folder.numbers(in: "run.cap") == [1, 2, 3])
    #expect(try folder.kinds(in: "run.cap").contains(.gap), "where something is missing it says so")
    #expect(try folder.numbers(in: "run.0001.cap") == [7, 8])
    let stream = pass.statistics.connections[0]
    #expect(stream.received.messages == 8 && stream.dropped.messages == 3)
    #expect(stream.written.messages == 5)
  }

  @Test func lossesOfAllFilesAreCounted() async throws {
    let pass = try makePass()
    for round in 0..<3 {
      let now = Int64(round) * 10 * second
      try pass.take(batch(1...1, at: now))
      try pass.sync()
      let file = try folder.file(try #require(folder.names.last))
      file.capacity = file.contents.count
      try pass.take(batch(2...3, at: now + second))
      try pass.sync()
      _ = try pass.tick(now: now + second)
      file.capacity = .max
      for step in 2...5 { _ = try pass.tick(now: now + Int64(step) * second) }
      pass.requestRotation()
      try pass.rotateIfDue(wall: now + 6 * second, now: now + 6 * second)
      try await settle(pass, at: now + 6 * second)
    }
    try pass.close(now: 30 * second)
    #expect(pass.statistics.fileCount == 4)
    #expect(pass.statistics.connections[0].dropped.messages == 6)
    #expect(pass.statistics.connections[0].written.messages == 3)
    #expect(try folder.names.flatMap { try folder.numbers(in: $0) } == [1, 1, 1])
  }

  @Test func anOldFileThatCannotBeCompletedIsToldAndKeepsItsMessages() async throws {
    let pass = try makePass()
    try pass.take(batch(1...3, at: 0))
    try pass.sync()
    let file = try folder.file("run.cap")
    file.fault = { _ in .error(.ioError) }
    pass.requestRotation()
    try pass.take(batch(4...5, at: second))
    try await settle(pass, at: second)
    #expect(log.lines.contains { $0.contains("run.cap: cannot be written") })
    let error = #expect(throws: CaptureError.self) { try pass.close(now: 2 * second) }
    #expect(error?.file == "run.cap", "the end says it, too")
    #expect(try folder.numbers(in: "run.cap") == [1, 2, 3])
    #expect(try folder.numbers(in: "run.0001.cap") == [4, 5])
  }

  @Test func theFileAfterTheNextWaitsForTheFirst() async throws {
    let pass = try makePass()
    let isReleased = DispatchSemaphore(value: 0)
    try folder.file("run.cap").syncFault = { _ in
      isReleased.wait()
      isReleased.signal()
      return nil
    }
    try pass.take(batch(1...1, at: 0))
    for number in 2...4 {
      pass.requestRotation()
      try pass.take(batch(number...number, at: Int64(number) * second))
      _ = try pass.tick(now: Int64(number) * second)
    }
    #expect(folder.names == ["run.cap", "run.0001.cap"])
    #expect(pass.isWaitingForFiles)
    isReleased.signal()
    try await settle(pass, at: 5 * second)
    // The wish is not forgotten.
    try pass.take(batch(5...5, at: 6 * second))
    try pass.close(now: 7 * second)
    #expect(folder.names == ["run.cap", "run.0001.cap", "run.0002.cap"])
    #expect(try folder.names.map { try folder.numbers(in: $0) } == [[1], [2, 3, 4], [5]])
  }
}

// MARK: - A folder

/// Text of a message.
private func text(of message: Message) -> String {
  unsafe message.payload.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
}

/// Captures in memory, by name, in the order in which they were made.
private final class MemoryFolder {
  private(set) var names: [String] = []
  private var files: [String: CrashingFile] = [:]
  /// What happens instead of making a file.
  var refusal: CaptureError?

  func open(_ path: String, _ session: CaptureSession) throws(CaptureError) -> CaptureWriter {
    if let refusal { throw refusal }
    guard files[path] == nil else { throw CaptureError(.exists, "exists already", file: path) }
    let file = CrashingFile()
    var options = CaptureWriter.Options()
    options.minFree = 1
    options.level = 0
    let writer = try CaptureWriter(
      file: file, name: path, session: session, options: options,
      fileID: UInt64(names.count + 1))
    files[path] = file
    names.append(path)
    return writer
  }

  func file(_ name: String) throws -> CrashingFile { try #require(files[name]) }

  func size(of name: String) -> Int64 { Int64(files[name]?.contents.count ?? 0) }

  func numbers(in name: String) throws -> [Int] {
    var reader = try CaptureReader.open(try file(name), name: name)
    var numbers: [Int] = []
    while let message = try reader.next() {
      if message.kind == .text { numbers.append(Int(text(of: message)) ?? 0) }
    }
    return numbers
  }

  func kinds(in name: String) throws -> [Message.Kind] {
    var reader = try CaptureReader.open(try file(name), name: name)
    var kinds: [Message.Kind] = []
    while let message = try reader.next() { kinds.append(message.kind) }
    return kinds
  }
}
