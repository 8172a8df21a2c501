import MWCCapture
import MWCCore
import MWCTestSupport
import SystemPackage
import Testing

@Suite struct ReaderTests {
  /// A recording of two sessions, the second after a reboot and an hour later, in small blocks.
  private static func twoSessions(finished: Bool = true) throws -> (CrashingFile, [Record]) {
    var options = Sample.options
    options.blockSize = 200
    let file = CrashingFile()
    var records: [Record] = []
    for session in 0..<2 {
      var about = Sample.session
      if session == 1 {
        about.wallAnchor += 3_600_000_000_000
        about.monotonicAnchor = 77
      }
      let writer = try CaptureWriter(file, options, session: about)
      for number in 0..<50 {
        var record = Record(number)
        record.wall = about.wallAnchor + Int64(number) * 1_000_000
        record.monotonic = about.monotonicAnchor + Int64(number) * 1_000_000
        records.append(record)
        try writer.append(record)
        if number % 4 == 3 { try writer.flush() }
      }
      if finished || session == 0 { try writer.close() } else { try writer.flush() }
    }
    return (file, records)
  }

  @Test(arguments: [true, false])
  func seeksToEveryTime(finished: Bool) throws {
    let (file, records) = try ReaderTests.twoSessions(finished: finished)
    var reader = try CaptureReader.open(file, name: "x")
    for (number, record) in records.enumerated() {
      for early in [0, 1] as [Int64] {
        try reader.seek(toWallTime: record.wall - early)
        let found = try next(&reader)
        #expect(found == record, "\(number)")
      }
      let offset = (number < 50 ? 0 : 3_600_000_000_000) + Int64(number % 50) * 1_000_000
      try reader.seek(toOffset: offset)
      #expect(try next(&reader) == record)
      #expect(reader.offset == offset)
      #expect(reader.session.monotonicAnchor == (number < 50 ? Sample.monotonic : 77))
      // And then everything behind it.
      if number % 9 == 0 {
        var rest = 1
        while try reader.next() != nil { rest += 1 }
        #expect(rest == records.count - number)
      }
    }
    try reader.seek(toOffset: .max)
    #expect(try next(&reader) == nil)
    try reader.seek(toOffset: .min)
    #expect(try next(&reader) == records[0])
  }

  @Test func seekingReadsFewBlocks() throws {
    let file = CrashingFile()
    var options = Sample.options
    options.blockSize = 1
    let writer = try CaptureWriter(file, options)
    for number in 0..<2000 { try writer.append(Record(number)) }
    try writer.close()
    let source = CountingSource(file)
    var reader = try CaptureReader.open(source, name: "x")
    try reader.seek(toOffset: 1_234_000_000)
    #expect(try next(&reader) == Record(1234))
    let indexed = source.reads
    for number in [3, 1999, 777, 0] {
      try reader.seek(toOffset: Int64(number) * 1_000_000)
      #expect(try next(&reader) == Record(number))
    }
    // The session block and the block itself, each one piece.
    #expect(source.reads - indexed <= 4 * 2)
  }

  @Test func findsTimesAfterTheClockWentBack() throws {
    var options = Sample.options
    options.blockSize = 1
    let walls: [Int64] = [100, 200, 300, 150, 250, 400]
    let records = walls.enumerated().map { number, wall in
      var record = Record(number)
      record.wall = Sample.wall + wall
      return record
    }
    var reader = try CaptureReader.open(CrashingFile(try capture(records, options)), name: "x")
    // The first in the order of the file that is so late or later.
    for (time, number) in [(100, 0), (101, 1), (200, 1), (250, 2), (301, 5), (400, 5)] {
      try reader.seek(toWallTime: Sample.wall + Int64(time))
      #expect(try next(&reader) == records[number])
    }
  }

  @Test func followsAFileThatGrows() throws {
    let file = CrashingFile()
    var options = Sample.options
    options.blockSize = 300
    let writer = try CaptureWriter(file, options)
    var reader = try CaptureReader.open(file, name: "x")
    var expected: [Record] = []
    var read: [Record] = []
    for number in 0..<60 {
      #expect(try next(&reader) == nil)
      expected.append(Record(number))
      try writer.append(Record(number))
      if number % 3 == 0 { try writer.flush() }
      while let record = try next(&reader) { read.append(record) }
      if number % 3 == 0 { #expect(read == expected) }
    }
    try writer.close()
    while let record = try next(&reader) { read.append(record) }
    #expect(read == expected)
    #expect(reader.ending == .finished)

    // A later session is read on, too.
    let again = try CaptureWriter(file, options)
    try again.append(Record(100))
    try again.close()
    #expect(try next(&reader) == Record(100))
    #expect(try next(&reader) == nil)
    #expect(reader.ending == .finished)
  }

  @Test func followsByteByByte() throws {
    let (whole, records) = try ReaderTests.twoSessions()
    let growing = CrashingFile(Array(whole.contents.prefix(32)))
    var reader = try CaptureReader.open(growing, name: "x")
    var read: [Record] = []
    for position in 32..<whole.contents.count {
      var byte = whole.contents[position]
      _ = try unsafe withUnsafeBytes(of: &byte) { buffer in
        unsafe try growing.write(buffer, at: Int64(position))
      }
      while let record = try next(&reader) { read.append(record) }
    }
    #expect(read == records)
    #expect(reader.ending == .finished)
  }

  @Test func followsAWriterWhoseDiskWasFull() throws {
    let file = CrashingFile()
    let writer = try CaptureWriter(file)
    try writer.append(Record(0))
    try writer.flush()
    var reader = try CaptureReader.open(file, name: "x")
    #expect(try next(&reader) == Record(0))
    // Half of a segment, which the writer then cannot even cut off.
    var calls = 0
    file.fault = { _ in
      calls += 1
      return calls == 1 ? .partial(20, .noSpace) : .error(.ioError)
    }
    try writer.append(Record(1, size: 100))
    try writer.flush()
    #expect(writer.isSuspended)
    #expect(try next(&reader) == nil)
    file.fault = { _ in nil }
    _ = try writer.tick(now: 0)
    _ = try writer.tick(now: 1_000_000_000)
    #expect(!writer.isSuspended)
    try writer.append(Record(2))
    try writer.close()
    #expect(try next(&reader)?.kind == .gap)
    #expect(try next(&reader) == Record(2))
    #expect(try next(&reader) == nil)
    #expect(reader.ending == .finished)
  }

  @Test func skipsKindsItDoesNotKnow() throws {
    var records = (0..<3).map { Record($0) }
    records[1].kind = Message.Kind(rawValue: 99)
    let bytes = try capture(records)
    var reader = try CaptureReader.open(CrashingFile(bytes), name: "x")
    var read: [Record] = []
    while let record = try next(&reader) { read.append(record) }
    #expect(read == [records[0], records[2]])
  }

  private func next(_ reader: inout CaptureReader) throws(CaptureError) -> Record? {
    guard let message = try reader.next() else { return nil }
    return Record(message)
  }
}

/// Counts how often it is read.
private final class CountingSource: CaptureSource {
  private let file: CrashingFile
  private(set) var reads = 0

  init(_ file: CrashingFile) { self.file = file }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Errno) -> Int {
    reads += 1
    // Small pieces, so that what is read counts.
    return unsafe try file.read(
      into: UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(2048)), at: offset)
  }

  func size() throws(Errno) -> Int64? { try file.size() }
}
