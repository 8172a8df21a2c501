internal import MWCCore

/// How many records there are, and when they came.
struct RecordBatch {
  var count: UInt64 = 0
  var payloadBytes: UInt64 = 0
  var times = TimeSpan()

  @inline(__always)
  mutating func add(_ message: borrowing Message) {
    count += 1
    payloadBytes += UInt64(message.payload.byteCount)
    times.include(wall: message.wallTime, monotonic: message.monotonicTime)
  }

  mutating func include(_ other: RecordBatch) {
    count += other.count
    payloadBytes += other.payloadBytes
    times.include(other.times)
  }
}

/// The times of a row, which the next row is told from.
struct RowTimes {
  var wall: Int64 = 0
  var monotonic: Int64 = 0
}

extension ByteBuffer {
  /// Appends all of a row but its payload (`docs/FORMAT.md`, section 5).
  @inline(__always)
  func appendRowHeader(_ message: borrowing Message, after times: inout RowTimes) {
    append(message.kind.rawValue)
    append(varint: UInt64(message.connection) << 1 | UInt64(message.direction.rawValue))
    append(zigzag: message.monotonicTime &- times.monotonic)
    append(
      zigzag: (message.wallTime &- message.monotonicTime) &- (times.wall &- times.monotonic))
    append(varint: UInt64(message.payload.byteCount))
    times = RowTimes(wall: message.wallTime, monotonic: message.monotonicTime)
  }

  /// Fills in the head of a segment, whose body is everything behind it.
  ///
  /// - Parameters:
  ///   - start: where the head stands, 12 bytes.
  ///   - rawLength: bytes after decoding.
  ///   - crc: the checksum of the block before it.
  /// - Returns: the checksum of the block with it.
  func finishSegment(at start: Int, rawLength: Int, after crc: UInt32) -> UInt32 {
    let body = start + CaptureFormat.segmentHeaderSize
    store(UInt32(count - body), at: start)
    store(UInt32(rawLength), at: start + 4)
    let headCRC = bytes.extracting(start..<start + 8).crc32c(after: crc)
    let sum = bytes.extracting(body..<count).crc32c(after: headCRC)
    store(sum, at: start + 8)
    return sum
  }
}

extension BlockSeal {
  /// Counts a segment; `storedLength` includes its head.
  mutating func add(storedLength: Int, rawLength: Int, _ batch: RecordBatch) {
    segmentCount += 1
    storedSize += UInt64(storedLength)
    rawSize += UInt64(rawLength)
    recordCount += UInt32(batch.count)
    times.include(batch.times)
  }
}
