package import SystemPackage

/// The file beside a capture that keeps what is not sealed yet (`docs/FORMAT.md`, section 9). It
/// comes into being with the first write.
package protocol TailFile: StoredFile {
  /// Its name in errors.
  var name: String { get }
  /// Empties it and takes it away. A write makes a new one.
  func remove() throws(Errno)
}

/// The writer's side of a tail: blocks of stored rows, one behind the other, and all of them dropped
/// at once.
///
/// Not thread-safe.
final class CaptureTail {
  let file: any TailFile
  private let fileID: UInt64
  /// Where the next write goes; 0 before the preamble is there.
  private(set) var position: Int64 = 0
  /// Whether something was written since the last sync.
  private(set) var hasUnsynced = false
  /// Ends a block that is sealed in the capture and still stands here; goes out before the next one.
  private let oldSeal = ByteBuffer()
  /// What goes before the rows: that, and in a new file the preamble.
  private let head = ByteBuffer()

  /// - Parameters:
  ///   - file: the tail; what it holds is of no use any more.
  ///   - fileID: id of the capture.
  init(_ file: any TailFile, fileID: UInt64) {
    self.file = file
    self.fileID = fileID
  }

  /// Bytes that a reader would have to go through.
  var size: Int64 { position }

  /// Appends what is unwritten of `pending`, whose segment was ended.
  ///
  /// - Returns: bytes written.
  func append(
    _ pending: borrowing PendingBlock, checkRoom: (Int64) throws(Errno) -> Void
  ) throws(Errno) -> Int64 {
    head.removeAll()
    let (head, oldSeal) = (head, oldSeal)
    if position == 0 {
      // Old blocks go before new ones come; what a crash leaves of them would be of the past anyway.
      if try file.size() ?? 0 > 0 { try file.truncate(to: 0) }
      Preamble(fileID: fileID).encode(into: head)
    }
    head.append(oldSeal.bytes)
    let bytes = pending.unwrittenBytes
    let length = Int64(head.count + bytes.byteCount)
    try checkRoom(length)
    if head.count > 0 { try file.writeAll(head.bytes, at: position) }
    try file.writeAll(bytes, at: position + Int64(head.count))
    oldSeal.removeAll()
    position += length
    hasUnsynced = true
    return length
  }

  /// The pending block was sealed in the capture: ends it here, too, if it has begun here.
  func end(_ pending: borrowing PendingBlock) {
    if pending.isInTail { pending.appendSeal(to: oldSeal) }
  }

  func sync() throws(Errno) {
    guard hasUnsynced else { return }
    hasUnsynced = false
    try file.sync()
  }

  /// Takes away what a refused write may have left behind the end.
  func cut() throws(Errno) {
    if let size = try file.size(), size > position { try file.truncate(to: position) }
  }

  /// Drops all blocks: the capture has them for certain.
  func reset() throws(Errno) {
    oldSeal.removeAll()
    guard position > 0 else { return }
    try file.truncate(to: 0)
    position = 0
    // Should a power cut bring back old blocks: they are older than what the capture has.
    hasUnsynced = false
  }

  /// Takes the file away.
  func remove() throws(Errno) {
    oldSeal.removeAll()
    position = 0
    try file.remove()
  }
}
