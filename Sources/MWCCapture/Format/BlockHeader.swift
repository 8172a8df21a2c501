/// The fixed-size parts of a capture: preamble, block header, seal, trailer, and entries of the
/// index. Each knows its bytes (`docs/FORMAT.md`, sections 2, 3 and 7) and nothing else.
///
/// Decoding returns nil where the bytes are not such a thing; telling why is up to the caller, who
/// knows where they came from.

/// The first 32 bytes of a file.
struct Preamble: Equatable {
  var version: UInt16 = CaptureFormat.version
  var fileID: UInt64

  func encode(into buffer: ByteBuffer) {
    let start = buffer.count
    buffer.append(CaptureFormat.preambleMagic)
    buffer.append(version)
    buffer.append(zeros: 6)
    buffer.append(fileID)
    buffer.append(zeros: 4)
    buffer.append(buffer.bytes.extracting(start..<start + 28).crc32c())
  }

  /// Whether 32 bytes begin like a capture.
  static func hasMagic(_ bytes: RawSpan) -> Bool {
    bytes.integer(at: 0, as: UInt64.self) == CaptureFormat.preambleMagic
  }

  /// Whether `bytes`, which are too few, could have become a preamble.
  static func isCut(_ bytes: RawSpan) -> Bool {
    (0..<min(bytes.byteCount, 8)).allSatisfy { number in
      bytes.integer(at: number, as: UInt8.self)
        == UInt8(truncatingIfNeeded: CaptureFormat.preambleMagic >> UInt64(8 * number))
    }
  }

  init(fileID: UInt64) { self.fileID = fileID }

  init?(decoding bytes: RawSpan) {
    guard bytes.byteCount >= CaptureFormat.preambleSize, Preamble.hasMagic(bytes),
      bytes.integer(at: 28, as: UInt32.self) == bytes.extracting(0..<28).crc32c()
    else { return nil }
    version = bytes.integer(at: 8, as: UInt16.self)
    fileID = bytes.integer(at: 16, as: UInt64.self)
  }
}

/// What a block says before its first segment.
package struct BlockHeader: Hashable, Sendable {
  package var fileID: UInt64
  package var sequence: UInt32
  package var kind: BlockKind
  package var encoding: BlockEncoding
  /// Connection of all records, or 0.
  package var connection: UInt32 = 0
  /// Number of records in the file before this block.
  package var firstRecord: UInt64
  package var baseWallTime: Int64
  package var baseMonotonicTime: Int64
}

extension BlockHeader {
  /// Appends 64 bytes; returns the running checksum.
  func encode(into buffer: ByteBuffer) -> UInt32 {
    let start = buffer.count
    buffer.append(CaptureFormat.blockMagic)
    buffer.append(fileID)
    buffer.append(sequence)
    buffer.append(kind.rawValue)
    buffer.append(encoding.rawValue)
    buffer.append(zeros: 2)
    buffer.append(connection)
    buffer.append(zeros: 4)
    buffer.append(firstRecord)
    buffer.append(baseWallTime)
    buffer.append(baseMonotonicTime)
    buffer.append(zeros: 4)
    let crc = buffer.bytes.extracting(start..<start + 60).crc32c()
    buffer.append(crc)
    return crc
  }

  init?(decoding bytes: RawSpan) {
    guard bytes.byteCount >= CaptureFormat.itemSize,
      bytes.integer(at: 0, as: UInt64.self) == CaptureFormat.blockMagic,
      bytes.integer(at: 60, as: UInt32.self) == bytes.extracting(0..<60).crc32c()
    else { return nil }
    fileID = bytes.integer(at: 8, as: UInt64.self)
    sequence = bytes.integer(at: 16, as: UInt32.self)
    kind = BlockKind(rawValue: bytes.integer(at: 20, as: UInt8.self))
    encoding = BlockEncoding(rawValue: bytes.integer(at: 21, as: UInt8.self))
    connection = bytes.integer(at: 24, as: UInt32.self)
    firstRecord = bytes.integer(at: 32, as: UInt64.self)
    baseWallTime = bytes.integer(at: 40, as: Int64.self)
    baseMonotonicTime = bytes.integer(at: 48, as: Int64.self)
  }
}

/// Earliest and latest times of some records; empty until the first is included.
package struct TimeSpan: Hashable, Sendable {
  package var minWall = Int64.max
  package var maxWall = Int64.min
  package var minMonotonic = Int64.max
  package var maxMonotonic = Int64.min

  package init() {}

  package var isEmpty: Bool { minWall > maxWall }

  package mutating func include(wall: Int64, monotonic: Int64) {
    minWall = min(minWall, wall)
    maxWall = max(maxWall, wall)
    minMonotonic = min(minMonotonic, monotonic)
    maxMonotonic = max(maxMonotonic, monotonic)
  }

  package mutating func include(_ other: TimeSpan) {
    minWall = min(minWall, other.minWall)
    maxWall = max(maxWall, other.maxWall)
    minMonotonic = min(minMonotonic, other.minMonotonic)
    maxMonotonic = max(maxMonotonic, other.maxMonotonic)
  }

  func encode(into buffer: ByteBuffer) {
    buffer.append(isEmpty ? 0 : minWall)
    buffer.append(isEmpty ? 0 : maxWall)
    buffer.append(isEmpty ? 0 : minMonotonic)
    buffer.append(isEmpty ? 0 : maxMonotonic)
  }

  /// Reads the 32 bytes at `offset`, which the caller knows to be there.
  init(decoding bytes: RawSpan, at offset: Int) {
    minWall = bytes.integer(at: offset, as: Int64.self)
    maxWall = bytes.integer(at: offset + 8, as: Int64.self)
    minMonotonic = bytes.integer(at: offset + 16, as: Int64.self)
    maxMonotonic = bytes.integer(at: offset + 24, as: Int64.self)
  }
}

/// What a block says after its last segment; also how a reader sums up a block without one.
package struct BlockSeal: Hashable, Sendable {
  package var recordCount: UInt32 = 0
  /// Header, segments and seal, bytes.
  package var storedSize: UInt64 = 0
  package var rawSize: UInt64 = 0
  package var times = TimeSpan()
  package var segmentCount: UInt32 = 0
}

extension BlockSeal {
  /// Appends 64 bytes, continuing the checksum of the block.
  func encode(into buffer: ByteBuffer, after crc: UInt32) {
    let start = buffer.count
    buffer.append(CaptureFormat.sealMark)
    buffer.append(recordCount)
    buffer.append(storedSize)
    buffer.append(rawSize)
    times.encode(into: buffer)
    buffer.append(segmentCount)
    buffer.append(buffer.bytes.extracting(start..<start + 60).crc32c(after: crc))
  }

  init?(decoding bytes: RawSpan, after crc: UInt32) {
    guard bytes.byteCount >= CaptureFormat.itemSize,
      bytes.integer(at: 0, as: UInt32.self) == CaptureFormat.sealMark,
      bytes.integer(at: 60, as: UInt32.self) == bytes.extracting(0..<60).crc32c(after: crc)
    else { return nil }
    recordCount = bytes.integer(at: 4, as: UInt32.self)
    storedSize = bytes.integer(at: 8, as: UInt64.self)
    rawSize = bytes.integer(at: 16, as: UInt64.self)
    times = TimeSpan(decoding: bytes, at: 24)
    segmentCount = bytes.integer(at: 56, as: UInt32.self)
  }
}

/// The last 64 bytes of a finished file.
package struct Trailer: Hashable, Sendable {
  package var fileID: UInt64
  package var indexOffset: UInt64
  package var recordCount: UInt64
  package var payloadBytes: UInt64
  package var blockCount: UInt32
  package var sessionCount: UInt32
  /// Where this trailer stands.
  package var offset: UInt64
}

extension Trailer {
  func encode(into buffer: ByteBuffer) {
    let start = buffer.count
    buffer.append(CaptureFormat.trailerMagic)
    buffer.append(fileID)
    buffer.append(indexOffset)
    buffer.append(recordCount)
    buffer.append(payloadBytes)
    buffer.append(blockCount)
    buffer.append(sessionCount)
    buffer.append(offset)
    buffer.append(zeros: 4)
    buffer.append(buffer.bytes.extracting(start..<start + 60).crc32c())
  }

  init?(decoding bytes: RawSpan) {
    guard bytes.byteCount >= CaptureFormat.itemSize,
      bytes.integer(at: 0, as: UInt64.self) == CaptureFormat.trailerMagic,
      bytes.integer(at: 60, as: UInt32.self) == bytes.extracting(0..<60).crc32c()
    else { return nil }
    fileID = bytes.integer(at: 8, as: UInt64.self)
    indexOffset = bytes.integer(at: 16, as: UInt64.self)
    recordCount = bytes.integer(at: 24, as: UInt64.self)
    payloadBytes = bytes.integer(at: 32, as: UInt64.self)
    blockCount = bytes.integer(at: 40, as: UInt32.self)
    sessionCount = bytes.integer(at: 44, as: UInt32.self)
    offset = bytes.integer(at: 48, as: UInt64.self)
  }
}
