package import MWCCore

/// Reads the bytes of a capture (`docs/FORMAT.md`) without touching a file: it says what it wants,
/// is given it, and says what it was.
///
/// ```
///   preamble ─► item ◄───────────────┐          wanted    the bytes it needs next
///        header │ └─ trailer ────────┤          offset    where they stand in the file
///               ▼                    │
///           segment head ─► seal ────┘          then: decode(bytes) ─► Event
///               ▲  │
///               └─ body ─► rows: advance(), current
/// ```
///
/// Everything is bounded before it is believed. When `decode` throws, nothing has changed: the
/// decoder still stands before the bad bytes. Memory: one decoded segment. Not thread-safe.
package struct CaptureDecoder: ~Copyable {
  /// What the bytes were.
  package enum Event: Equatable {
    /// The head of the file: `fileID` is known.
    case preamble
    /// A header: `header` is known.
    case blockBegan
    /// Half of something; decode on.
    case more
    /// A segment of rows: `advance` goes through them.
    case rows
    /// The end of a session block: `session` is known.
    case session(CaptureSession)
    /// The end of another block: `seal` says what is in it.
    case sealed
    /// A trailer; what follows it, if anything, was appended later.
    case trailer(Trailer)
  }

  private enum Expectation {
    case preamble
    case item
    case segmentHead
    case segmentBody(stored: Int, raw: Int, crc: UInt32, headCRC: UInt32)
    case seal
  }

  /// Where the bytes wanted next stand, from the start of the file.
  package private(set) var offset: Int64 = 0
  /// How many bytes are wanted next. Bounded by the limits of the format.
  package var wanted: Int {
    switch expectation {
    case .preamble: CaptureFormat.preambleSize
    case .item, .seal: CaptureFormat.itemSize
    case .segmentHead: CaptureFormat.segmentHeaderSize
    case .segmentBody(let stored, _, _, _): stored
    }
  }

  /// Id of the file; nil until a preamble or, after `jump`, a header was read.
  package private(set) var fileID: UInt64?
  /// The block being read, and the last one after its end.
  package private(set) var header: BlockHeader?
  /// Where `header` stands.
  package private(set) var blockOffset: Int64 = 0
  /// What has been read of the block so far; after its end, its seal.
  package private(set) var seal = BlockSeal()
  /// Running checksum of the block.
  private(set) var crc: UInt32 = 0
  /// Whether a block has begun and not ended.
  package private(set) var isInBlock = false
  /// Where the last complete thing ended: preamble, segment, seal or trailer.
  package private(set) var completeEnd: Int64 = 0

  /// Checks checksums and structure and leaves contents alone, which is many times faster. Rows
  /// and sessions are not delivered then.
  package var skipsContents = false

  private var expectation = Expectation.preamble
  /// Sequence and number of the first record of the next block; nil when anything goes.
  private var nextSequence: UInt32?
  private var nextRecord: UInt64?
  private var segmentStart: Int64 = 0
  private let inflater = Inflater()
  /// The decoded segment or, of sessions and index blocks, all segments so far.
  private let raw = ByteBuffer()
  /// The decoded segment of a block in columns.
  private let columns = ColumnDecoder()
  private var columnCount = 0
  private var columnRow = -1
  /// Reads values of columns, if somebody has said which.
  private var valueReader: ColumnReader?
  /// Whether the segment is read by `valueReader`.
  private var readsValues = false

  /// What will be read of the messages of the segments to come: of those in columns, nothing else is
  /// decoded before somebody asks for it. Empty: all of it.
  package var interests: [PathInterest] = [] {
    didSet { pendingReader = interests.isEmpty ? nil : ColumnReader(interests) }
  }
  private var pendingReader: ColumnReader?

  // The record that `advance` went to.
  private var rowOffset = 0
  private(set) var wallTime: Int64 = 0
  private(set) var monotonicTime: Int64 = 0
  private var connection: UInt32 = 0
  private var direction = Message.Direction.received
  private(set) var kind = Message.Kind.note
  private var payloadStart = 0
  private var payloadLength = 0

  package init() {}

  /// The index block that has just ended.
  var index: CaptureIndex? { CaptureIndex(decoding: raw.bytes) }

  /// Goes on at a block header or trailer at `offset`, whatever stands before it. Numbers of the
  /// next block are not compared with those of the last.
  package mutating func jump(to offset: Int64) {
    floor = 0
    move(to: Place(offset: offset))
  }

  /// A place between two blocks.
  struct Place {
    var offset: Int64
    /// Numbers that the next block must have; nil when anything goes.
    var sequence: UInt32?
    var record: UInt64?
    /// The file that it must belong to; nil when that is known otherwise, or not at all.
    var fileID: UInt64?
  }

  /// Where the decoder stands, and what may follow there from elsewhere: the next block. An open
  /// block that is not complete lacks its seal. Nil in the head of the file, and where half of
  /// something was read.
  var place: Place? {
    switch expectation {
    case .item:
      return Place(offset: offset, sequence: nextSequence, record: nextRecord, fileID: fileID)
    case .segmentHead:
      guard let header, header.kind == .records, seal.segmentCount > 0 else { return nil }
      return Place(
        offset: offset, sequence: header.sequence &+ 1, record: recordsSeen, fileID: fileID)
    case .preamble, .segmentBody, .seal: return nil
    }
  }

  /// Goes on at `place`, which has records again that were delivered from another: those with
  /// numbers below `floor` are passed over.
  mutating func move(to place: Place, floor: UInt64) {
    self.floor = floor
    move(to: place)
  }

  private mutating func move(to place: Place) {
    offset = place.offset
    completeEnd = place.offset
    expectation = .item
    nextSequence = place.sequence
    nextRecord = place.record
    fileID = place.fileID ?? fileID
    isInBlock = false
    forgetRows()
  }

  /// Forgets a part that has begun and is not complete, because its bytes are missing or do not fit:
  /// a writer may put others in their place. The decoder then stands at `completeEnd`.
  package mutating func stepBack() {
    switch expectation {
    case .preamble, .item: return
    case .segmentHead, .segmentBody, .seal: break
    }
    if seal.segmentCount > 0 {
      offset = completeEnd
      expectation = .segmentHead
    } else {
      offset = blockOffset
      expectation = .item
      nextSequence = header?.sequence
      nextRecord = header?.firstRecord
      isInBlock = false
    }
  }

  private mutating func forgetRows() {
    raw.removeAll(keepingAtMost: 1 << 20)
    rowOffset = 0
    forgetColumns()
  }

  private mutating func forgetColumns() {
    columns.removeAll()
    columnCount = 0
    columnRow = -1
    readsValues = false
  }

  /// Begins with the records of a segment in columns; false when it is malformed.
  private mutating func openColumns(
    _ body: RawSpan, _ rawLength: Int, _ header: BlockHeader
  ) -> Bool {
    valueReader = pendingReader
    if let valueReader,
      valueReader.open(
        body, rawLength: rawLength, baseWallTime: header.baseWallTime,
        baseMonotonicTime: header.baseMonotonicTime)
    {
      readsValues = true
      columnCount = valueReader.count
      return true
    }
    guard
      columns.decode(
        body, rawLength: rawLength, baseWallTime: header.baseWallTime,
        baseMonotonicTime: header.baseMonotonicTime)
    else { return false }
    columnCount = columns.count
    return true
  }

  /// Records with lower numbers are passed over.
  private(set) var floor: UInt64 = 0

  /// How many records of the capture have been gone through.
  var recordsSeen: UInt64 {
    isInBlock ? (header?.firstRecord ?? 0) &+ UInt64(seal.recordCount) : nextRecord ?? 0
  }

  // MARK: Bytes in

  /// Reads the next part.
  ///
  /// - Parameter bytes: the `wanted` bytes at `offset`, or more.
  /// - Returns: what they were.
  /// - Throws: `CaptureError` with block and offset; the decoder has not moved.
  package mutating func decode(_ bytes: RawSpan) throws(CaptureError) -> Event {
    precondition(bytes.byteCount >= wanted, "the decoder was given less than it wanted")
    switch expectation {
    case .preamble: return try decodePreamble(bytes)
    case .item: return try decodeItem(bytes)
    case .segmentHead: return try decodeSegmentHead(bytes)
    case .segmentBody(let stored, let rawLength, let crc, let headCRC):
      return try decodeSegmentBody(
        bytes.extracting(0..<stored), rawLength: rawLength, crc: crc, headCRC: headCRC)
    case .seal: return try decodeSeal(bytes)
    }
  }

  private mutating func decodePreamble(_ bytes: RawSpan) throws(CaptureError) -> Event {
    guard Preamble.hasMagic(bytes) else {
      throw CaptureError(.notACapture, "this is not a capture: it does not begin like one")
    }
    guard let preamble = Preamble(decoding: bytes) else {
      throw CaptureError(.damaged, "the head of the file fails its checksum", offset: 0)
    }
    guard preamble.version >= 1, preamble.version <= CaptureFormat.version else {
      throw CaptureError(
        .newerVersion,
        "this capture has format version \(preamble.version), and this program reads up to "
          + "\(CaptureFormat.version)",
        advice: "a newer release of mwc reads it")
    }
    fileID = preamble.fileID
    nextSequence = 0
    nextRecord = 0
    move(CaptureFormat.preambleSize, to: .item)
    completeEnd = offset
    return .preamble
  }

  private mutating func decodeItem(_ bytes: RawSpan) throws(CaptureError) -> Event {
    if let trailer = Trailer(decoding: bytes) {
      guard trailer.fileID == fileID ?? trailer.fileID, trailer.offset == UInt64(offset) else {
        throw damage("a trailer that belongs elsewhere", at: offset)
      }
      if let nextSequence, let nextRecord,
        trailer.blockCount != nextSequence || trailer.recordCount != nextRecord
      {
        throw damage(
          "the trailer counts \(trailer.blockCount) blocks with \(trailer.recordCount) records, "
            + "and \(nextSequence) with \(nextRecord) stand before it", at: offset)
      }
      fileID = trailer.fileID
      move(CaptureFormat.itemSize, to: .item)
      completeEnd = offset
      return .trailer(trailer)
    }
    guard let header = BlockHeader(decoding: bytes) else {
      throw damage("neither a block nor the trailer begins here", at: offset)
    }
    guard header.fileID == fileID ?? header.fileID else {
      throw damage("a block of another file", at: offset)
    }
    if let nextSequence, header.sequence != nextSequence {
      throw damage(
        "block \(header.sequence) stands where block \(nextSequence) belongs", at: offset)
    }
    if let nextRecord, header.firstRecord != nextRecord {
      throw damage(
        "the block begins with record \(header.firstRecord), and \(nextRecord) stand before it",
        at: offset)
    }
    guard !header.kind.isKnown || header.encoding.isSupported(for: header.kind) else {
      throw CaptureError(
        .unsupported, "this block uses \(header.encoding), which this program cannot read",
        advice: "a newer release of mwc may", block: header.sequence, offset: offset)
    }
    fileID = header.fileID
    self.header = header
    blockOffset = offset
    isInBlock = true
    crc = bytes.integer(at: 60, as: UInt32.self)
    seal = BlockSeal()
    if header.kind == .session {
      seal.times.include(wall: header.baseWallTime, monotonic: header.baseMonotonicTime)
    }
    wallTime = header.baseWallTime
    monotonicTime = header.baseMonotonicTime
    forgetRows()
    if header.encoding == .deflated { inflater.reset() }
    move(CaptureFormat.itemSize, to: .segmentHead)
    return .blockBegan
  }

  private mutating func decodeSegmentHead(_ bytes: RawSpan) throws(CaptureError) -> Event {
    guard let header else { preconditionFailure("a segment without a block") }
    let storedLength = bytes.integer(at: 0, as: UInt32.self)
    let rawLength = bytes.integer(at: 4, as: UInt32.self)
    if storedLength == CaptureFormat.sealMark {
      expectation = .seal
      return .more
    }
    let stored = Int(storedLength)
    let raw = Int(rawLength)
    let isColumns = header.encoding == .columns
    guard stored > 0, raw > 0,
      raw <= (isColumns ? CaptureFormat.maxRawColumns : CaptureFormat.maxRawSegment),
      stored
        <= (isColumns
          ? CaptureFormat.maxStored(forRawColumns: raw) : CaptureFormat.maxStored(forRaw: raw))
    else { throw damage("a segment of impossible size", at: offset) }
    switch header.encoding {
    case .stored where stored != raw:
      throw damage("a stored segment whose two lengths differ", at: offset)
    case .deflated where raw > CaptureFormat.maxRaw(forDeflated: stored):
      throw damage("a segment that claims to decode to more than deflate can", at: offset)
    default: break
    }
    if let limit = contentLimit, self.raw.count + raw > limit {
      throw damage("the block decodes to more than \(limit) bytes", at: offset)
    }
    segmentStart = offset
    let expected = bytes.integer(at: 8, as: UInt32.self)
    move(
      CaptureFormat.segmentHeaderSize,
      to: .segmentBody(
        stored: stored, raw: raw, crc: expected,
        headCRC: bytes.extracting(0..<8).crc32c(after: crc)))
    return .more
  }

  /// The most bytes that sessions and index blocks may decode to, which are read whole.
  private var contentLimit: Int? {
    switch header?.kind {
    case .session: CaptureFormat.maxSession
    case .index: CaptureFormat.maxIndex
    default: nil
    }
  }

  private mutating func decodeSegmentBody(
    _ body: RawSpan, rawLength: Int, crc expected: UInt32, headCRC: UInt32
  ) throws(CaptureError) -> Event {
    guard let header else { preconditionFailure("a segment without a block") }
    let sum = body.crc32c(after: headCRC)
    guard sum == expected else {
      throw damage("a segment fails its checksum", at: segmentStart)
    }
    if header.kind.isKnown, !(skipsContents && header.kind == .records) {
      // Rows that nobody asked for still count, and the next ones build on their times.
      while header.kind == .records, try advance() {}
      if header.kind == .records {
        raw.removeAll(keepingAtMost: max(1 << 20, rawLength))
        rowOffset = 0
        forgetColumns()
      }
      switch header.encoding {
      case .stored: raw.append(body)
      case .columns:
        guard openColumns(body, rawLength, header) else {
          throw damage("a segment does not decode to what it says", at: segmentStart)
        }
      default:
        guard inflater.inflate(body, into: raw, rawLength: rawLength) else {
          raw.removeAll()
          throw damage("a segment does not inflate to what it says", at: segmentStart)
        }
      }
    }
    crc = sum
    seal.segmentCount += 1
    seal.rawSize += UInt64(rawLength)
    move(body.byteCount, to: .segmentHead)
    seal.storedSize = UInt64(offset - blockOffset)
    completeEnd = offset
    return header.kind == .records && !skipsContents ? .rows : .more
  }

  private mutating func decodeSeal(_ bytes: RawSpan) throws(CaptureError) -> Event {
    guard let header else { preconditionFailure("a seal without a block") }
    guard let said = BlockSeal(decoding: bytes, after: crc) else {
      throw damage("the end of the block fails its checksum", at: offset)
    }
    if !skipsContents { while header.kind == .records, try advance() {} }
    var found = seal
    found.storedSize = UInt64(offset - blockOffset) + UInt64(CaptureFormat.itemSize)
    if header.kind != .records || skipsContents {
      found.times = said.times
      found.recordCount = said.recordCount
    }
    guard said == found, found.segmentCount > 0,
      header.kind == .records || !header.kind.isKnown || said.recordCount == 0
    else { throw damage("the end of the block contradicts what is in it", at: offset) }

    var event = Event.sealed
    if header.kind == .session, !skipsContents {
      guard let session = CaptureSession(decoding: raw.bytes) else {
        throw damage("a session with malformed fields", at: blockOffset)
      }
      event = .session(session)
    }
    seal = said
    isInBlock = false
    nextSequence = header.sequence &+ 1
    nextRecord = header.firstRecord &+ UInt64(said.recordCount)
    move(CaptureFormat.itemSize, to: .item)
    completeEnd = offset
    return event
  }

  private mutating func move(_ length: Int, to expectation: Expectation) {
    offset += Int64(length)
    self.expectation = expectation
  }

  // MARK: Rows out

  /// Goes to the next row of the segment. False at its end, and when there is none.
  ///
  /// - Throws: `CaptureError` when the row is malformed or beyond the limits.
  package mutating func advance() throws(CaptureError) -> Bool {
    repeat {
      guard try advanceRow() else { return false }
    } while recordNumber < floor
    return true
  }

  @inline(__always)
  private mutating func advanceRow() throws(CaptureError) -> Bool {
    if columnRow + 1 < columnCount { return try advanceColumns() }
    guard header?.kind == .records, rowOffset < raw.count else { return false }
    let raw = raw
    var cursor = ByteCursor(raw.bytes.extracting(rowOffset..<raw.count))
    guard let kind = cursor.read(UInt8.self), let source = cursor.readVarint(),
      let monotonicStep = cursor.readZigzag(), let offsetStep = cursor.readZigzag(),
      let length = cursor.readVarint(), length <= UInt64(CaptureFormat.maxPayload),
      source >> 1 <= UInt64(CaptureFormat.maxConnection),
      let start = cursor.skip(Int(length)), seal.recordCount < .max
    else { throw damage("a malformed record", at: segmentStart) }
    if let fixed = header?.connection, fixed != 0, source >> 1 != UInt64(fixed) {
      throw damage("a record of connection \(source >> 1) in a block of \(fixed)", at: segmentStart)
    }
    let wallOffset = (wallTime &- monotonicTime) &+ offsetStep
    monotonicTime = monotonicTime &+ monotonicStep
    wallTime = monotonicTime &+ wallOffset
    self.kind = Message.Kind(rawValue: kind)
    connection = UInt32(source >> 1)
    direction = source & 1 == 0 ? .received : .sent
    payloadStart = rowOffset + start
    payloadLength = Int(length)
    rowOffset += cursor.offset
    seal.recordCount += 1
    seal.times.include(wall: wallTime, monotonic: monotonicTime)
    return true
  }

  /// As above, in a segment of columns.
  private mutating func advanceColumns() throws(CaptureError) -> Bool {
    if readsValues { try goToNextValues() }
    columnRow += 1
    (wallTime, monotonicTime, connection, kind) = columnsHead
    if let fixed = header?.connection, fixed != 0, connection != fixed {
      throw damage(
        "a record of connection \(connection) in a block of \(fixed)", at: segmentStart)
    }
    seal.recordCount += 1
    seal.times.include(wall: wallTime, monotonic: monotonicTime)
    return true
  }

  private func goToNextValues() throws(CaptureError) {
    // A message that could not be put together was empty to those who asked for it.
    guard let valueReader, !valueReader.hasFailed, valueReader.next() else {
      throw damage("a segment does not decode to what it says", at: segmentStart)
    }
  }

  private var columnsHead: (Int64, Int64, UInt32, Message.Kind) {
    let record = currentColumns
    return (record.wallTime, record.monotonicTime, record.connection, record.kind)
  }

  private var currentColumns: Message {
    @_lifetime(borrow self)
    get {
      guard readsValues, let valueReader else {
        let columns = columns
        let message = columns[columnRow]
        return unsafe _overrideLifetime(message, borrowing: self)
      }
      let message = valueReader.current
      return unsafe _overrideLifetime(message, borrowing: self)
    }
  }

  /// Number of the row that `advance` went to, over the whole file, from 0.
  package var recordNumber: UInt64 {
    (header?.firstRecord ?? 0) &+ UInt64(seal.recordCount) &- 1
  }

  /// The row that `advance` went to; valid until the next call of `advance` or `decode`.
  package var current: Message {
    @_lifetime(borrow self)
    get {
      if columnRow >= 0 { return currentColumns }
      return Message(
        wallTime: wallTime, monotonicTime: monotonicTime, connection: connection,
        direction: direction, kind: kind,
        payload: raw.bytes.extracting(payloadStart..<payloadStart + payloadLength))
    }
  }

  /// What is wrong when not all that is wanted next is there, and something else is.
  var cutError: CaptureError {
    guard case .segmentBody = expectation else {
      return damage("the file goes on where it ends", at: offset)
    }
    return damage("a segment reaches beyond the end of the file", at: segmentStart)
  }

  private func damage(_ reason: String, at offset: Int64) -> CaptureError {
    CaptureError(
      .damaged, reason, block: isInBlock ? header?.sequence : nextSequence, offset: offset)
  }
}
