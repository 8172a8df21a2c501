internal import MWCCore
internal import SystemPackage

/// Every flush goes into the capture itself, as rows: for streams, which cannot take back a byte, and
/// for captures that are not compressed.
///
/// Not thread-safe.
final class DirectStore: RecordStore {
  private let output: RoomyFile
  private let isStream: Bool
  private var encoder: CaptureEncoder
  var counters = StoreCounters()
  private(set) var hasUnsynced = false
  let latestFile: String

  init(
    _ file: any StoredFile, name: String, minFree: Int64, isStream: Bool,
    encoder: consuming CaptureEncoder
  ) {
    output = RoomyFile(file: file, minFree: minFree)
    latestFile = name
    self.isStream = isStream
    self.encoder = encoder
  }

  var unwritten: RecordBatch { encoder.uncommitted }
  var unwrittenTallies: TallyTable { encoder.uncommittedTallies }
  var hasOpenBlock: Bool { encoder.hasOpenBlock }
  var blockRawSize: Int { encoder.blockRawSize }
  var wantsSync: Bool { false }
  var size: Int64 { Int64(encoder.position) }
  var knowsDensity: Bool { true }

  func begin(_ session: CaptureSession) throws(Errno) {
    encoder.begin(session)
    try writeOutput()
  }

  func makeRoom(for message: borrowing Message) throws(Errno) {
    if encoder.isLarge(message) || !encoder.hasRoom(for: message) { try flush() }
  }

  func append(_ message: borrowing Message) throws(Errno) {
    guard encoder.isLarge(message) else { return encoder.append(message) }
    encoder.flush(adding: message)
    try write()
  }

  func gather(_ message: borrowing Message) { encoder.append(message) }

  func flush() throws(Errno) {
    guard encoder.uncommitted.count > 0 else { return }
    encoder.flush()
    try write()
  }

  func seal(hurried: Bool) throws(Errno) {
    guard encoder.hasOpenBlock else { return }
    encoder.flush()
    encoder.sealBlock()
    try write()
  }

  private func write() throws(Errno) {
    try output.checkRoom(for: Int64(encoder.output.count))
    try writeOutput()
    counters.flushes += 1
  }

  private func writeOutput() throws(Errno) {
    let bytes = encoder.output
    try output.file.writeAll(bytes.bytes, at: size)
    counters.bytes += UInt64(bytes.count)
    counters.count(encoder.uncommitted)
    encoder.commit()
    hasUnsynced = !isStream
  }

  func discard() {
    encoder.discard()
    // Best effort, so that others see no broken end; before writing goes on it is done for certain.
    try? output.file.truncate(to: size)
  }

  func repair() throws(Errno) {
    try output.file.truncate(to: size)
    guard encoder.hasOpenBlock else { return }
    encoder.sealBlock()
    try writeOutput()
  }

  func sync() throws(Errno) {
    guard hasUnsynced else { return }
    hasUnsynced = false
    try output.file.sync()
    counters.syncs += 1
  }

  func finish() throws(Errno) {
    encoder.finish()
    try writeOutput()
  }

  func tidy() {}

  func close() { output.file.close() }
}
