internal import CMWCKernels
internal import MWCCore

/// The records since the last sealed block, as the bytes of a block of stored rows: what stands in
/// the tail of a capture (`docs/FORMAT.md`, section 9), and what the next sealed block is made from.
///
/// ```
///   header │ 12 │ rows │ 12 │ rows │ 12 │ rows gathered
///   └────── in the tail ───────────┘    └── unwritten: a flush ends the segment, and the owner
///                                            writes it and commits
/// ```
///
/// Memory is bounded by the owner, who seals when `rawSize` is enough. Not thread-safe.
struct PendingBlock: ~Copyable {
  /// Where the block stands after a commit.
  private struct Mark {
    var byteCount = 0
    var crc: UInt32 = 0
    var times = RowTimes()
    var seal = BlockSeal()
    var batch = RecordBatch()
    var segments = 0
  }

  private let buffer = ByteBuffer(capacity: 64 << 10)
  /// The header, once there is a record.
  private(set) var header = BlockHeader(
    fileID: 0, sequence: 0, kind: .records, encoding: .stored, firstRecord: 0, baseWallTime: 0,
    baseMonotonicTime: 0)
  /// The rows of each segment, as ranges of `buffer`.
  private var segments: [Range<Int>] = []
  /// Where each record's payload stands in `buffer`.
  private var entries: [mwc_entry] = []
  /// Where the segment being gathered begins, with its head; nil when there is none.
  private var segmentStart: Int?
  private var times = RowTimes()
  private var crc: UInt32 = 0
  private var seal = BlockSeal()
  private var committed = Mark()
  private var committedTallies = TallyTable()

  /// Records that are not committed.
  private(set) var unwritten = RecordBatch()
  private(set) var unwrittenTallies = TallyTable()

  var isEmpty: Bool { batch.count == 0 }
  /// All records of the block.
  var batch: RecordBatch {
    var all = committed.batch
    all.include(unwritten)
    return all
  }
  /// Bytes of all rows.
  private(set) var rawSize = 0
  /// Whether something of the block has been committed.
  var isInTail: Bool { committed.byteCount > 0 }
  /// Bytes committed.
  var committedSize: Int { committed.byteCount }

  func addTallies(to tallies: inout TallyTable) {
    tallies.add(committedTallies)
    tallies.add(unwrittenTallies)
  }

  // MARK: Records in

  /// Adds a record. The first one begins the block, with the number and sequence given.
  @inline(__always)
  mutating func append(
    _ message: borrowing Message, fileID: UInt64, sequence: UInt32, firstRecord: UInt64
  ) {
    if segmentStart == nil {
      beginSegment(message, fileID: fileID, sequence: sequence, firstRecord: firstRecord)
    }
    let start = buffer.count
    buffer.appendRowHeader(message, after: &times)
    entries.append(
      mwc_entry(
        wall_ns: message.wallTime, monotonic_ns: message.monotonicTime,
        offset: UInt64(buffer.count), length: UInt32(message.payload.byteCount),
        connection: message.connection, kind: message.kind.rawValue,
        direction: message.direction.rawValue, reserved: (0, 0, 0, 0, 0, 0)))
    buffer.append(message.payload)
    rawSize += buffer.count - start
    unwritten.add(message)
    unwrittenTallies.count(message)
  }

  private mutating func beginSegment(
    _ message: borrowing Message, fileID: UInt64, sequence: UInt32, firstRecord: UInt64
  ) {
    if buffer.isEmpty {
      header.fileID = fileID
      header.sequence = sequence
      header.firstRecord = firstRecord
      header.baseWallTime = message.wallTime
      header.baseMonotonicTime = message.monotonicTime
      times = RowTimes(wall: message.wallTime, monotonic: message.monotonicTime)
      crc = header.encode(into: buffer)
      seal.storedSize = UInt64(buffer.count)
    }
    segmentStart = buffer.count
    buffer.append(zeros: CaptureFormat.segmentHeaderSize)
  }

  // MARK: To the tail

  /// Ends the segment being gathered; then `unwrittenBytes` are what is to be written.
  mutating func endSegment() {
    guard let start = segmentStart else { return }
    segmentStart = nil
    let rows = start + CaptureFormat.segmentHeaderSize..<buffer.count
    crc = buffer.finishSegment(at: start, rawLength: rows.count, after: crc)
    seal.add(storedLength: buffer.count - start, rawLength: rows.count, unwritten)
    segments.append(rows)
  }

  /// What follows the committed bytes.
  var unwrittenBytes: RawSpan {
    @_lifetime(borrow self)
    get { buffer.bytes.extracting(committed.byteCount..<buffer.count) }
  }

  /// What was unwritten is in the tail.
  mutating func commit() {
    precondition(segmentStart == nil, "a segment is ended before it is committed")
    committedTallies.add(unwrittenTallies)
    committed = Mark(
      byteCount: buffer.count, crc: crc, times: times, seal: seal, batch: batch,
      segments: segments.count)
    forgetUnwritten()
  }

  /// What was unwritten will never be written.
  mutating func discard() {
    buffer.truncate(to: committed.byteCount)
    crc = committed.crc
    times = committed.times
    seal = committed.seal
    segments.removeLast(segments.count - committed.segments)
    entries.removeLast(Int(unwritten.count))
    segmentStart = nil
    forgetUnwritten()
    rawSize = Int(committed.seal.rawSize)
  }

  private mutating func forgetUnwritten() {
    unwritten = RecordBatch()
    unwrittenTallies.removeAll()
  }

  /// Appends the seal of what is in the tail, so that another block can follow it there.
  func appendSeal(to output: ByteBuffer) {
    var seal = committed.seal
    seal.storedSize += UInt64(CaptureFormat.itemSize)
    seal.encode(into: output, after: committed.crc)
  }

  // MARK: To the capture

  /// Calls `body` with the rows of each segment, in order; a record lies in one of them.
  func forEachSegment(_ body: (RawSpan) -> Void) {
    precondition(segmentStart == nil, "a segment is ended before it is looked at")
    for range in segments { body(buffer.bytes.extracting(range)) }
  }

  /// Calls `body` with memory that holds all payloads, `MWC_COLUMN_PADDING` more bytes, and where
  /// each payload stands in it.
  func withPayloads(_ body: (RawSpan, [mwc_entry]) -> Void) {
    let count = buffer.count
    buffer.append(zeros: Int(MWC_COLUMN_PADDING))
    body(buffer.bytes, entries)
    buffer.truncate(to: count)
  }

  /// The records are in the capture: begins anew.
  mutating func removeAll() {
    buffer.removeAll(keepingAtMost: 16 << 20)
    segments.removeAll(keepingCapacity: true)
    entries.removeAll(keepingCapacity: true)
    segmentStart = nil
    rawSize = 0
    crc = 0
    seal = BlockSeal()
    committed = Mark()
    committedTallies.removeAll()
    forgetUnwritten()
  }
}
