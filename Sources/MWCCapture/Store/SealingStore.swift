internal import MWCCore
internal import SystemPackage

/// Two steps: every flush goes into the tail as rows, and when enough has gathered all of it becomes
/// one dense block of the capture. The tail is dropped once that block is as safe as the tail was.
///
/// ```
///   append ─► pending ──flush──► tail        (rows, a checksum, one write)
///                │
///                └─────seal────► capture     (columns)
///                                  └─sync─► tail dropped
/// ```
///
/// The block in the tail has the sequence and the record number of the block that will follow in the
/// capture, so whoever reads finds each record once, whatever a crash leaves: block, tail or both.
///
/// Without a tail a flush seals. The tail holds what was flushed in two sync intervals at most, and a
/// block. Memory: twice the block size of the options, and what the encoder of a block needs. Not
/// thread-safe.
final class SealingStore: RecordStore {
  private let output: RoomyFile
  private let name: String
  private let options: CaptureWriter.Options
  private let tail: CaptureTail?
  private var encoder: CaptureEncoder
  private var pending = PendingBlock()
  private let bodies: BlockBodies
  var counters = StoreCounters()
  private(set) var latestFile: String

  /// Bytes of all sealed blocks, and of the rows in them.
  private var sealedSize: UInt64 = 0
  private var sealedRawSize: UInt64 = 0
  private var isCaptureUnsynced = false
  /// The capture could not be synced: the tail is kept, whatever is sealed.
  private var hasSyncFailed = false
  /// Blocks in the tail are sealed, but not all of them safely.
  private var hasSealedTail = false
  /// A sync found sealed blocks in the tail that it could not drop, because of rows behind them.
  private var mustDropTail = false

  init(
    _ file: any StoredFile, name: String, options: CaptureWriter.Options, tail: CaptureTail?,
    encoder: consuming CaptureEncoder
  ) {
    output = RoomyFile(file: file, minFree: options.minFree)
    self.name = name
    self.options = options
    self.tail = tail
    self.encoder = encoder
    bodies = BlockBodies(level: options.level)
    latestFile = name
  }

  var unwritten: RecordBatch { pending.unwritten }
  var unwrittenTallies: TallyTable { pending.unwrittenTallies }
  var hasOpenBlock: Bool { !pending.isEmpty }
  var blockRawSize: Int { pending.rawSize }
  var hasUnsynced: Bool { isCaptureUnsynced || tail?.hasUnsynced == true }
  var knowsDensity: Bool { sealedRawSize > 0 || pending.isEmpty }
  var size: Int64 {
    guard pending.isInTail else { return Int64(encoder.position) }
    // What is sealed tells how dense the rest will be.
    let density = sealedRawSize > 0 ? Double(sealedSize) / Double(sealedRawSize) : 1
    return Int64(encoder.position) + Int64(Double(pending.committedSize) * density)
  }

  // MARK: Records

  func begin(_ session: CaptureSession) throws(Errno) {
    try seal(hurried: false)
    encoder.begin(session)
    try writeOutput()
  }

  /// A message as large as a block becomes one by itself: it is not worth a copy.
  private func isLarge(_ message: borrowing Message) -> Bool {
    message.payload.byteCount >= options.blockSize
  }

  func makeRoom(for message: borrowing Message) throws(Errno) {
    if isLarge(message) { try seal(hurried: false) }
  }

  func append(_ message: borrowing Message) throws(Errno) {
    gather(message)
    if isLarge(message) { try seal(hurried: false) }
  }

  func gather(_ message: borrowing Message) {
    pending.append(
      message, fileID: encoder.fileID, sequence: encoder.sequence,
      firstRecord: encoder.recordCount)
  }

  func flush() throws(Errno) {
    guard pending.unwritten.count > 0 else { return }
    guard let tail else { return try seal(hurried: false) }
    pending.endSegment()
    latestFile = tail.file.name
    counters.bytes += UInt64(try tail.append(pending, checkRoom: output.checkRoom))
    counters.flushes += 1
    counters.count(pending.unwritten)
    pending.commit()
  }

  // MARK: Sealing

  func seal(hurried: Bool) throws(Errno) {
    guard !pending.isEmpty else { return }
    pending.endSegment()
    let bodies = bodies
    encoder.appendBlock(of: pending, bodies.prepare(pending, hurried: hurried)) { output in
      bodies.append(pending, to: output)
    }
    let size = encoder.output.count
    do throws(Errno) {
      latestFile = name
      try output.checkRoom(for: Int64(size))
      try writeOutput()
    } catch {
      encoder.discard()
      // The tail needs less room at once: what fits there is not lost. Without one a flush seals.
      if tail != nil { try? flush() }
      throw error
    }
    sealedSize += UInt64(size)
    sealedRawSize += UInt64(pending.rawSize)
    counters.flushes += 1
    if hurried { counters.hurriedBlocks += 1 }
    counters.count(pending.unwritten)
    if let tail, pending.isInTail {
      tail.end(pending)
      hasSealedTail = true
    }
    pending.removeAll()
    // What the kernel has, it may drop; what the device shall have, only when it has the block.
    if options.syncInterval == nil { dropTail() }
  }

  private func writeOutput() throws(Errno) {
    latestFile = name
    let bytes = encoder.output
    try output.file.writeAll(bytes.bytes, at: Int64(encoder.position))
    counters.bytes += UInt64(bytes.count)
    encoder.commit()
    isCaptureUnsynced = true
  }

  /// Drops the tail, of which nothing is needed.
  private func dropTail() {
    guard let tail, hasSealedTail else { return }
    // Old blocks harm nobody, and the next attempt comes with the next block.
    guard (try? tail.reset()) != nil else { return }
    hasSealedTail = false
    mustDropTail = false
  }

  // MARK: The device

  /// Rows behind sealed blocks kept the last sync from dropping the tail. Right after a seal there
  /// are none.
  var wantsSync: Bool { mustDropTail && !pending.isInTail }

  func sync() throws(Errno) {
    if isCaptureUnsynced {
      isCaptureUnsynced = false
      latestFile = name
      do throws(Errno) { try output.file.sync() } catch {
        hasSyncFailed = true
        throw error
      }
      counters.syncs += 1
    }
    guard let tail else { return }
    if hasSealedTail, !pending.isInTail, !hasSyncFailed { return dropTail() }
    mustDropTail = hasSealedTail && !hasSyncFailed
    latestFile = tail.file.name
    if tail.hasUnsynced {
      try tail.sync()
      counters.syncs += 1
    }
  }

  // MARK: When something was refused

  func discard() {
    encoder.discard()
    pending.discard()
    // Best effort, so that others see no broken end; before writing goes on it is done for certain.
    try? output.file.truncate(to: Int64(encoder.position))
    try? tail?.cut()
  }

  func repair() throws(Errno) {
    latestFile = name
    try output.file.truncate(to: Int64(encoder.position))
    try tail?.cut()
  }

  // MARK: The end

  func finish() throws(Errno) {
    try seal(hurried: false)
    encoder.finish()
    try writeOutput()
  }

  func tidy() {
    if !hasSyncFailed { try? tail?.remove() }
  }

  func close() {
    output.file.close()
    tail?.file.close()
  }
}
