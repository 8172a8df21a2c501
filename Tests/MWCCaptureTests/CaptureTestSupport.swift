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

  static var options: CaptureWriter.Options {
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

  func append(_ record: Record) throws(CaptureError) {
    try record.withMessage { (message) throws(CaptureError) in try append(message) }
  }
}

/// What a reader got out of some bytes.
struct Reading: Equatable {
  var records: [Record] = []
  var ending: CaptureEnding?
  var error: CaptureError?

  init(_ bytes: [UInt8]) {
    do {
      var reader = try CaptureReader.open(CrashingFile(bytes), name: "test.cap")
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
