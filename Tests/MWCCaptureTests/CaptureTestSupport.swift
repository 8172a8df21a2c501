import MWCCapture
import MWCCore
import MWCTestSupport

/// A message with its payload, to compare.
struct Record: Hashable, Sendable, CustomStringConvertible {
  var wall: Int64
  var monotonic: Int64
  var connection: UInt32 = 1
  var direction = Message.Direction.received
  var kind = Message.Kind.text
  var payload: [UInt8]

  init(
    wall: Int64, monotonic: Int64, connection: UInt32 = 1,
    direction: Message.Direction = .received, kind: Message.Kind = .text, payload: [UInt8]
  ) {
    self.wall = wall
    self.monotonic = monotonic
    self.connection = connection
    self.direction = direction
    self.kind = kind
    self.payload = payload
  }

  init(_ message: borrowing Message) {
    wall = message.wallTime
    monotonic = message.monotonicTime
    connection = message.connection
    direction = message.direction
    kind = message.kind
    payload = unsafe message.payload.withUnsafeBytes { unsafe Array($0) }
  }

  /// The `number`-th message of a steady stream: `{"n":…}`, a millisecond apart.
  init(_ number: Int, size: Int = 0) {
    let text = "{\"n\":\(number),\"pad\":\"" + String(repeating: "x", count: size) + "\"}"
    self.init(
      wall: Sample.wall + Int64(number) * 1_000_000,
      monotonic: Sample.monotonic + Int64(number) * 1_000_000, payload: Array(text.utf8))
  }

  /// The gap that this record speaks of.
  var gap: GapRecord {
    let payload = payload
    return unsafe GapRecord(payload: payload.span.bytes)
  }

  func withMessage<Result, Failure: Error>(
    _ body: (Message) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let payload = payload
    return unsafe try body(
      Message(
        wallTime: wall, monotonicTime: monotonic, connection: connection, direction: direction,
        kind: kind, payload: payload.span.bytes))
  }

  var description: String {
    "\(kind) \(direction) #\(connection) \(wall)/\(monotonic) \(payload.count) bytes"
  }
}

enum Sample {
  static let wall: Int64 = 1_790_000_000_123_456_789
  static let monotonic: Int64 = 5_000_000_000_001
  static let session = CaptureSession(
    wallAnchor: wall, monotonicAnchor: monotonic, utcOffset: 3600, timeZone: "Europe/Berlin",
    tool: "mwc 0.1.0", uris: ["ws://localhost:8765/"], dialect: "monitoring", host: "node-1",
    options: ["level=6"])

  /// Rows that go into the capture itself.
  static var options: CaptureWriter.Options {
    var options = sealing
    options.isDirect = true
    return options
  }

  /// Rows that go into a tail, and dense blocks.
  static var sealing: CaptureWriter.Options {
    var options = CaptureWriter.Options()
    options.minFree = 0
    return options
  }
}

extension CaptureWriter {
  convenience init(
    _ file: CrashingFile, _ options: Options = Sample.options,
    session: CaptureSession = Sample.session, fileID: UInt64 = 0x1122_3344_5566_7788
  ) throws(CaptureError) {
    try self.init(
      file: file, name: "test.cap", session: session, options: options, fileID: fileID)
  }

  convenience init(
    _ pair: TestPair, _ options: Options = Sample.sealing
  ) throws(CaptureError) {
    try self.init(
      file: pair.capture, tail: pair.tail, name: "test.cap", session: Sample.session,
      options: options, fileID: 0x1122_3344_5566_7788)
  }

  func append(_ record: Record) throws(CaptureError) {
    try record.withMessage { (message) throws(CaptureError) in try append(message) }
  }
}

/// A capture and its tail in memory.
struct TestPair {
  let disk = CrashingDisk()
  let capture: CrashingFile
  let tail: CrashingFile

  init(_ capture: [UInt8] = [], tail: [UInt8] = []) {
    self.capture = CrashingFile(capture, on: disk)
    self.tail = CrashingFile(tail, on: disk)
  }

  init(_ image: Image) { self.init(image.capture, tail: image.tail) }

  /// What a crash left.
  struct Image {
    var capture: [UInt8]
    var tail: [UInt8]
  }

  /// Both files as they are.
  var image: Image { Image(capture: capture.contents, tail: tail.contents) }

  /// Both files when the process was killed after `count` operations, and after `partial` bytes of
  /// the next one if that is a write.
  func killed(after count: Int, partial: Int = 0) -> Image {
    func image(_ file: CrashingFile) -> [UInt8] {
      let done = disk.operations(on: file, after: count)
      let isNext = disk.operations(on: file, after: count + 1) > done
      return file.killed(after: done, partial: isNext ? partial : 0)
    }
    return Image(capture: image(capture), tail: image(tail))
  }

  /// Bytes of the operation with this number; 0 when it is no write.
  func writeSize(_ number: Int) -> Int {
    for file in [capture, tail] {
      let done = disk.operations(on: file, after: number)
      guard disk.operations(on: file, after: number + 1) > done else { continue }
      if case .write(_, let bytes) = file.log[done] { return bytes.count }
    }
    return 0
  }

  /// Both files after a power cut, as chance wants it.
  func powerCut(
    after count: Int, using generator: inout some RandomNumberGenerator
  ) -> Image {
    Image(
      capture: capture.powerCut(
        after: disk.operations(on: capture, after: count), using: &generator),
      tail: tail.powerCut(after: disk.operations(on: tail, after: count), using: &generator))
  }

  /// Both files after a power cut, when the device got to any operation of either that it was not
  /// told to wait for.
  func powerCuts(after count: Int) -> [Image] {
    func images(_ file: CrashingFile) -> [[UInt8]] {
      let done = disk.operations(on: file, after: count)
      return (file.syncedOperations(after: done)...done).map { file.killed(after: $0) }
    }
    let tails = images(tail)
    return images(capture).flatMap { capture in
      tails.map { Image(capture: capture, tail: $0) }
    }
  }

  /// What a reader opens.
  var source: CapturePair {
    let tail = tail
    return CapturePair(capture, tailName: tail.name) { tail.contents.isEmpty ? nil : tail }
  }
}

/// What a reader got out of some bytes.
struct Reading: Equatable {
  var records: [Record] = []
  var ending: CaptureEnding?
  var error: CaptureError?

  init(_ image: TestPair.Image) { self.init(image.capture, tail: image.tail) }

  init(_ bytes: [UInt8], tail: [UInt8] = []) {
    do {
      let pair = TestPair(bytes, tail: tail)
      var reader = try CaptureReader.open(pair.source, name: "test.cap")
      reader.deliversUnknownKinds = true
      while let message = try reader.next() { records.append(Record(message)) }
      ending = reader.ending
    } catch {
      self.error = error
    }
  }
}

/// A finished capture with these records, in one go.
func capture(
  _ records: [Record], _ options: CaptureWriter.Options = Sample.options
) throws -> [UInt8] {
  let file = CrashingFile()
  let writer = try CaptureWriter(file, options)
  for record in records { try writer.append(record) }
  try writer.close()
  return file.contents
}
