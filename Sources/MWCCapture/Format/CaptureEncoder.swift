internal import MWCCore

/// Turns messages into the bytes of a capture (`docs/FORMAT.md`), without touching a file.
///
/// ```
///   append ─► rows ─flush─► segment ─┐
///                          seal ─────┼─► output ─► the caller writes it at `position`
///              session, index, trailer ┘             │
///                                          commit ◄──┴──► discard
/// ```
///
/// Every operation only adds to `output`. When the caller has written it, `commit` makes it part of
/// the capture; when that failed, `discard` returns to the state before, so that what follows
/// continues the bytes that are in the file. Appending a message allocates nothing once the buffers
/// have their size. Not thread-safe.
struct CaptureEncoder: ~Copyable {
  /// A block that has a header and no seal yet.
  private struct OpenBlock {
    var header: BlockHeader
    var offset: UInt64
    var crc: UInt32
    var seal = BlockSeal()
  }

  /// Everything that moves on with a commit and goes back with a discard.
  private struct Progress {
    var position: UInt64 = 0
    var sequence: UInt32 = 0
    var recordCount: UInt64 = 0
    var payloadBytes: UInt64 = 0
    var sessionCount: UInt32 = 0
    var block: OpenBlock?
  }

  let fileID: UInt64
  private let encoding: BlockEncoding
  private let deflater: Deflater?

  /// Bytes that are to be written at `position`.
  let output = ByteBuffer(capacity: 64 << 10)
  private let rows = ByteBuffer(capacity: CaptureEncoder.segmentBytes + (1 << 10))

  private var committed = Progress()
  private var current = Progress()
  /// What `rows` holds.
  private var gathered = RecordBatch()
  /// What a discard would lose: all records since the last commit.
  private(set) var uncommitted = RecordBatch()
  private(set) var uncommittedTallies = TallyTable()
  /// A discard left the open block behind what the deflater knows; only a seal may follow in it.
  private var mustSeal = false
  /// Times of the row before, which the next one is told from.
  private var latest = RowTimes()

  /// What the next index block will list; grows by `newEntries` at a commit.
  private var index = CaptureIndex()
  private var newEntries: [IndexEntry] = []
  /// Offset of an index block in `output`.
  private var newIndexOffset: UInt64?

  /// Rows gathered for one segment at most; a larger message makes a segment of its own.
  static let segmentBytes = 256 << 10
  /// Payloads from this size on are not copied into the rows.
  static let largePayload = 64 << 10

  /// - Parameters:
  ///   - fileID: id of the file.
  ///   - level: 0 stores, 1 (fast) to 9 (dense) deflates.
  init(fileID: UInt64, level: Int) {
    self.fileID = fileID
    encoding = level == 0 ? .stored : .deflated
    deflater = level == 0 ? nil : Deflater(level: level)
  }

  /// Continues a capture whose complete blocks `walk` has seen.
  init(continuing walk: CaptureWalk, level: Int) {
    self.init(fileID: walk.fileID, level: level)
    current.position = UInt64(walk.end)
    current.sequence = walk.nextSequence
    current.recordCount = walk.recordCount
    current.payloadBytes = walk.payloadBytes
    current.sessionCount = walk.sessionCount
    if let open = walk.openBlock {
      current.block = OpenBlock(
        header: open.header, offset: UInt64(open.offset), crc: open.crc, seal: open.seal)
      mustSeal = true
    }
    index = walk.unlistedIndex
    committed = current
  }

  /// Where `output` belongs, bytes from the start of the file.
  var position: UInt64 { committed.position }
  /// Records that are in the file.
  var recordCount: UInt64 { committed.recordCount }
  /// Whether the next segment goes into a block that is already in the file.
  var hasOpenBlock: Bool { current.block != nil }
  /// Decoded bytes of the open block and of the rows gathered.
  var blockRawSize: Int { Int(current.block?.seal.rawSize ?? 0) + rows.count }
  var sequence: UInt32 { committed.sequence }

  private var end: UInt64 { committed.position + UInt64(output.count) }

  // MARK: Records

  /// Whether `message` fits into the segment being gathered; if not, flush first.
  func hasRoom(for message: borrowing Message) -> Bool {
    rows.isEmpty || rows.count + message.payload.byteCount <= CaptureEncoder.segmentBytes
  }

  /// Whether `message` is to be added by `flush(adding:)`.
  func isLarge(_ message: borrowing Message) -> Bool {
    message.payload.byteCount >= CaptureEncoder.largePayload
  }

  /// Gathers one message. It fits, as `hasRoom` said, and its limits have been checked.
  @inline(__always)
  mutating func append(_ message: borrowing Message) {
    appendRowHeader(message)
    rows.append(message.payload)
  }

  @inline(__always)
  private mutating func appendRowHeader(_ message: borrowing Message) {
    precondition(!mustSeal, "after a discard the open block is sealed first")
    if rows.isEmpty, current.block == nil {
      beginBlock(
        .records, encoding, wall: message.wallTime, monotonic: message.monotonicTime)
    }
    rows.appendRowHeader(message, after: &latest)
    uncommitted.add(message)
    gathered.add(message)
    uncommittedTallies.count(message)
  }

  // MARK: Output

  /// Makes a segment of the rows gathered; nothing when there are none.
  mutating func flush() {
    guard !rows.isEmpty else { return }
    appendSegment(rows, payload: RawSpan(), of: gathered)
    forgetRows()
  }

  /// Makes a segment of `message` alone, without copying its payload first. Nothing is gathered.
  mutating func flush(adding message: borrowing Message) {
    precondition(rows.isEmpty, "a large message follows a flush")
    appendRowHeader(message)
    appendSegment(rows, payload: message.payload, of: gathered)
    forgetRows()
  }

  /// Begins a capture or, in a file that has one, a session.
  mutating func begin(_ session: CaptureSession) {
    if committed.position == 0 { Preamble(fileID: fileID).encode(into: output) }
    let body = ByteBuffer()
    session.encode(into: body)
    var times = TimeSpan()
    times.include(wall: session.wallAnchor, monotonic: session.monotonicAnchor)
    appendBlock(.session, body, times: times)
    current.sessionCount += 1
  }

  /// Ends the open block, if there is one; adds an index block when many have gathered.
  mutating func sealBlock() {
    precondition(rows.isEmpty, "a block is sealed after a flush")
    endBlock()
    if index.entries.count + newEntries.count >= CaptureFormat.blocksPerIndex { appendIndex() }
  }

  /// Ends the capture: index and trailer.
  mutating func finish() {
    precondition(rows.isEmpty, "a capture ends after a flush")
    let indexOffset = appendIndex()
    let offset = end
    Trailer(
      fileID: fileID, indexOffset: indexOffset,
      recordCount: current.recordCount, payloadBytes: current.payloadBytes,
      blockCount: current.sequence, sessionCount: current.sessionCount, offset: offset
    ).encode(into: output)
  }

  /// `output` is in the file now.
  mutating func commit() {
    current.position = end
    committed = current
    index.tallies.add(uncommittedTallies)
    index.entries.append(contentsOf: newEntries)
    if let newIndexOffset {
      index = CaptureIndex()
      index.previous = newIndexOffset
    }
    forgetOutput()
  }

  /// `output` did not get into the file, and the rows in it never will.
  mutating func discard() {
    current = committed
    mustSeal = current.block != nil
    forgetOutput()
  }

  private mutating func forgetOutput() {
    output.removeAll(keepingAtMost: 1 << 20)
    forgetRows()
    uncommitted = RecordBatch()
    uncommittedTallies.removeAll()
    newEntries.removeAll(keepingCapacity: true)
    newIndexOffset = nil
  }

  // MARK: Blocks

  private mutating func beginBlock(
    _ kind: BlockKind, _ encoding: BlockEncoding, wall: Int64, monotonic: Int64
  ) {
    let header = BlockHeader(
      fileID: fileID, sequence: current.sequence, kind: kind, encoding: encoding,
      firstRecord: current.recordCount, baseWallTime: wall, baseMonotonicTime: monotonic)
    current.block = OpenBlock(header: header, offset: end, crc: 0)
    latest = RowTimes(wall: wall, monotonic: monotonic)
    deflater?.reset()
  }

  /// Appends a whole block that holds no records.
  private mutating func appendBlock(_ kind: BlockKind, _ body: ByteBuffer, times: TimeSpan) {
    endBlock()
    beginBlock(
      kind, encoding, wall: times.isEmpty ? 0 : times.minWall,
      monotonic: times.isEmpty ? 0 : times.minMonotonic)
    appendSegment(body, payload: RawSpan(), of: RecordBatch(times: times))
    endBlock()
  }

  /// Adds a whole block of records, of one segment, and ends it: an index may follow. Nothing is
  /// gathered.
  ///
  /// - Parameters:
  ///   - pending: the records.
  ///   - encoding: how they are stored.
  ///   - body: appends the body of the segment and returns its raw length.
  mutating func appendBlock(
    of pending: borrowing PendingBlock, _ encoding: BlockEncoding, body: (ByteBuffer) -> Int
  ) {
    precondition(rows.isEmpty, "a whole block follows a flush")
    endBlock()
    beginBlock(
      .records, encoding, wall: pending.header.baseWallTime,
      monotonic: pending.header.baseMonotonicTime)
    let batch = pending.batch
    uncommitted.include(batch)
    pending.addTallies(to: &uncommittedTallies)
    let start = beginSegment()
    endSegment(at: start, rawLength: body(output), of: batch)
    sealBlock()
  }

  private mutating func appendSegment(_ raw: ByteBuffer, payload: RawSpan, of batch: RecordBatch) {
    let start = beginSegment()
    if let deflater {
      if payload.byteCount > 0 {
        deflater.deflate(raw.bytes, into: output, flushing: false)
        deflater.deflate(payload, into: output, flushing: true)
      } else {
        deflater.deflate(raw.bytes, into: output, flushing: true)
      }
    } else {
      output.append(raw.bytes)
      output.append(payload)
    }
    endSegment(at: start, rawLength: raw.count + payload.byteCount, of: batch)
  }

  private mutating func beginSegment() -> Int {
    guard var block = current.block else { preconditionFailure("no block to add to") }
    if block.seal.segmentCount == 0 {
      // The header goes out with the first segment: a block never begins with nothing in it.
      block.offset = end
      block.crc = block.header.encode(into: output)
      block.seal.storedSize = UInt64(CaptureFormat.itemSize)
      current.block = block
    }
    output.append(zeros: CaptureFormat.segmentHeaderSize)
    return output.count - CaptureFormat.segmentHeaderSize
  }

  private mutating func endSegment(at start: Int, rawLength: Int, of batch: RecordBatch) {
    guard var block = current.block else { preconditionFailure("no block to add to") }
    block.crc = output.finishSegment(at: start, rawLength: rawLength, after: block.crc)
    block.seal.add(storedLength: output.count - start, rawLength: rawLength, batch)
    current.recordCount += batch.count
    current.payloadBytes += batch.payloadBytes
    current.block = block
  }

  private mutating func forgetRows() {
    rows.removeAll()
    gathered = RecordBatch()
  }

  private mutating func endBlock() {
    guard var block = current.block else { return }
    current.block = nil
    mustSeal = false
    block.seal.storedSize += UInt64(CaptureFormat.itemSize)
    block.seal.encode(into: output, after: block.crc)
    current.sequence += 1
    if block.header.kind != .index {
      newEntries.append(
        IndexEntry(
          offset: block.offset, kind: block.header.kind, encoding: block.header.encoding,
          firstRecord: block.header.firstRecord, seal: block.seal))
    }
  }

  /// Appends an index block of what none lists yet; returns its offset.
  @discardableResult
  private mutating func appendIndex() -> UInt64 {
    endBlock()
    var whole = index
    whole.entries.append(contentsOf: newEntries)
    whole.tallies.add(uncommittedTallies)
    let body = ByteBuffer()
    whole.encode(into: body)
    let offset = end
    appendBlock(.index, body, times: TimeSpan())
    newIndexOffset = offset
    return offset
  }
}
