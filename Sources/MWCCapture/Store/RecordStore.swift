internal import MWCCore
internal import SystemPackage

/// Where the records of a writer go. The writer decides when, and what a refusal means.
///
/// Whatever throws leaves the store as it was, but for records that are `unwritten`: these are in
/// memory only, and `discard` gives them up.
protocol RecordStore: AnyObject {
  /// Records that are not with the kernel yet.
  var unwritten: RecordBatch { get }
  var unwrittenTallies: TallyTable { get }
  /// Whether a seal would end a block.
  var hasOpenBlock: Bool { get }
  /// Decoded bytes of that block.
  var blockRawSize: Int { get }
  /// Whether something was written that a power cut may still take.
  var hasUnsynced: Bool { get }
  /// Whether a sync is worth its time now, whatever the interval says.
  var wantsSync: Bool { get }
  /// Bytes of the capture; what is not sealed yet counts as what it will take then, about.
  var size: Int64 { get }
  /// Whether something tells how dense what is not sealed yet will be.
  var knowsDensity: Bool { get }
  /// What has been written so far.
  var counters: StoreCounters { get set }
  /// The file that a refused call was about.
  var latestFile: String { get }

  /// Begins a session, after sealing what is there.
  func begin(_ session: CaptureSession) throws(Errno)
  /// Hands what is unwritten to the kernel where `message` could not be added to it.
  func makeRoom(for message: borrowing Message) throws(Errno)
  /// Adds a record, for which there is room. When it throws, the record is unwritten.
  func append(_ message: borrowing Message) throws(Errno)
  /// Adds a record and writes nothing, however large it is.
  func gather(_ message: borrowing Message)
  /// Hands everything to the kernel.
  func flush() throws(Errno)
  /// Ends the block, after a flush or instead of it.
  ///
  /// - Parameter hurried: stores it as it is, in a fraction of the time.
  /// - Throws: what the system says; the block is still there then.
  func seal(hurried: Bool) throws(Errno)
  /// Gives up what is unwritten.
  func discard()
  /// Makes sure that the files end where the store believes, after something was refused.
  func repair() throws(Errno)
  /// Forces everything written to the device.
  func sync() throws(Errno)
  /// Writes index and trailer. A `sync` and a `tidy` follow.
  func finish() throws(Errno)
  /// Removes what a finished capture does not need; that this fails harms nobody.
  func tidy()
  func close()
}

/// What a store has written.
struct StoreCounters {
  /// Records with the kernel, and their payload bytes.
  var messages: UInt64 = 0
  var payloadBytes: UInt64 = 0
  /// Bytes written, whatever they hold.
  var bytes: UInt64 = 0
  var flushes: UInt64 = 0
  var syncs: UInt64 = 0
  /// Blocks sealed in a hurry.
  var hurriedBlocks: UInt64 = 0

  mutating func count(_ batch: RecordBatch) {
    messages += batch.count
    payloadBytes += batch.payloadBytes
  }
}

/// A file with room to be kept free.
struct RoomyFile {
  let file: any StoredFile
  let minFree: Int64

  /// Writes all of `bytes`, unless that would leave too little room.
  func write(_ bytes: RawSpan, at offset: Int64) throws(Errno) {
    try checkRoom(for: Int64(bytes.byteCount))
    try file.writeAll(bytes, at: offset)
  }

  func checkRoom(for size: Int64 = 0) throws(Errno) {
    if let free = try file.freeSpace(), free - size < minFree { throw .noSpace }
  }
}
