import MWCCapture
package import SystemPackage

/// A file in memory that can fail at any call, and that shows what a crash at any moment could have
/// left of it: the file of SQLite's `test6.c` behind our own door.
///
/// ```
///   write ─► contents                    what a reader of the running system sees
///        └─► log: write, cut, sync …     what a crash at each point is made from
/// ```
///
/// A killed process leaves `contents` after any number of operations. A power cut leaves what was
/// synced, and of every 512-byte sector written since: the new bytes, the old ones, or nonsense.
///
/// Not thread-safe.
package final class CrashingFile: StoredFile {
  package enum Operation {
    case write(offset: Int, bytes: [UInt8])
    case truncate(Int)
    case sync
  }

  /// What a call does instead of succeeding.
  package enum Fault {
    case error(Errno)
    /// Writes only so many bytes, and says so.
    case short(Int)
    /// Writes so many bytes, and fails all the same.
    case partial(Int, Errno)
  }

  /// The file as it is now.
  package private(set) var contents: [UInt8]
  /// Everything that changed it, in order.
  package private(set) var log: [Operation] = []
  /// The file before the first operation of `log`.
  package let original: [UInt8]
  /// The files whose operations have an order together.
  private let disk: CrashingDisk?

  /// Asked before each write and truncate, whose number, from 0, it is given.
  package var fault: (Int) -> Fault? = { _ in nil }
  /// Asked before each sync.
  package var syncFault: (Int) -> Errno? = { _ in nil }
  /// Bytes that the file may have; a write beyond gets what fits, then ENOSPC.
  package var capacity = Int.max
  package private(set) var isClosed = false
  private var changeCount = 0
  private var syncCount = 0

  package init(_ contents: [UInt8] = [], on disk: CrashingDisk? = nil) {
    self.contents = contents
    original = contents
    self.disk = disk
  }

  package func size() throws(Errno) -> Int64? { Int64(contents.count) }

  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
  ) throws(Errno) -> Int {
    guard offset < contents.count else { return 0 }
    let length = min(buffer.count, contents.count - Int(offset))
    let piece = contents[Int(offset)..<Int(offset) + length]
    unsafe buffer.copyBytes(from: piece)
    return length
  }

  package func write(_ buffer: UnsafeRawBufferPointer, at offset: Int64) throws(Errno) -> Int {
    let number = changeCount
    changeCount += 1
    switch fault(number) {
    case .error(let error): throw error
    case .short(let length): return unsafe store(buffer, at: Int(offset), length: length)
    case .partial(let length, let error):
      _ = unsafe store(buffer, at: Int(offset), length: length)
      throw error
    case nil: break
    }
    let room = max(0, capacity - Int(offset))
    if room == 0 { throw .noSpace }
    return unsafe store(buffer, at: Int(offset), length: room)
  }

  private func store(_ buffer: UnsafeRawBufferPointer, at offset: Int, length: Int) -> Int {
    let bytes = unsafe Array(buffer.prefix(length))
    if bytes.isEmpty { return 0 }
    apply(.write(offset: offset, bytes: bytes))
    return bytes.count
  }

  package func sync() throws(Errno) {
    let number = syncCount
    syncCount += 1
    if let error = syncFault(number) { throw error }
    note(.sync)
  }

  package func truncate(to size: Int64) throws(Errno) {
    let number = changeCount
    changeCount += 1
    if case .error(let error) = fault(number) { throw error }
    apply(.truncate(Int(size)))
  }

  package func freeSpace() throws(Errno) -> Int64? {
    capacity == .max ? .max : Int64(max(0, capacity - contents.count))
  }

  package func close() { isClosed = true }

  private func apply(_ operation: Operation) {
    CrashingFile.apply(operation, to: &contents)
    note(operation)
  }

  private func note(_ operation: Operation) {
    log.append(operation)
    disk?.note(self)
  }

  private static func apply(_ operation: Operation, to contents: inout [UInt8]) {
    switch operation {
    case .sync: break
    case .truncate(let size):
      if size < contents.count { contents.removeLast(contents.count - size) }
      contents += [UInt8](repeating: 0, count: size - contents.count)
    case .write(let offset, let bytes):
      let end = offset + bytes.count
      if end > contents.count { contents += [UInt8](repeating: 0, count: end - contents.count) }
      contents.replaceSubrange(offset..<end, with: bytes)
    }
  }
}

/// A tail that is empty is as good as none.
extension CrashingFile: TailFile {
  package var name: String { "test.cap.tail" }

  package func remove() throws(Errno) { try truncate(to: 0) }
}

/// Several files, and the order of what was done to them.
package final class CrashingDisk {
  private var order: [ObjectIdentifier] = []

  package init() {}

  /// Operations on all files so far.
  package var operationCount: Int { order.count }

  fileprivate func note(_ file: CrashingFile) { order.append(ObjectIdentifier(file)) }

  /// How many of the first `count` operations were those of `file`.
  package func operations(on file: CrashingFile, after count: Int) -> Int {
    order.prefix(count).count { $0 == ObjectIdentifier(file) }
  }
}

// MARK: Crashes

extension CrashingFile {
  /// The file when the process was killed after `count` operations, and after `partial` bytes of the
  /// next one if that is a write.
  package func killed(after count: Int, partial: Int = 0) -> [UInt8] {
    var image = original
    for operation in log.prefix(count) { CrashingFile.apply(operation, to: &image) }
    if partial > 0, count < log.count, case .write(let offset, let bytes) = log[count] {
      CrashingFile.apply(.write(offset: offset, bytes: Array(bytes.prefix(partial))), to: &image)
    }
    return image
  }

  /// How many of the first `count` operations are certain to be on the device.
  package func syncedOperations(after count: Int) -> Int {
    log.prefix(count).lastIndex { if case .sync = $0 { true } else { false } } ?? 0
  }

  /// The file as it was known to be on the device after `count` operations.
  package func synced(after count: Int) -> [UInt8] {
    killed(after: syncedOperations(after: count))
  }

  /// The file after a power cut after `count` operations: every sector written since the last sync
  /// is new, old or scrambled, as chance wants.
  package func powerCut(
    after count: Int, using generator: inout some RandomNumberGenerator
  ) -> [UInt8] {
    let start = syncedOperations(after: count)
    var image = killed(after: start)
    for operation in log[start..<count] {
      switch operation {
      case .sync: break
      case .truncate:
        if Bool.random(using: &generator) { CrashingFile.apply(operation, to: &image) }
      case .write(let offset, let bytes):
        // The size may be on the device before the bytes are; then there are zeros.
        if Bool.random(using: &generator), offset + bytes.count > image.count {
          CrashingFile.apply(.truncate(offset + bytes.count), to: &image)
        }
        for piece in CrashingFile.sectors(of: offset..<offset + bytes.count) {
          let new = Array(bytes[(piece.lowerBound - offset)..<(piece.upperBound - offset)])
          switch Int.random(in: 0..<4, using: &generator) {
          case 0: break
          case 1:
            let nonsense = new.map { _ in UInt8.random(in: 0...255, using: &generator) }
            CrashingFile.apply(.write(offset: piece.lowerBound, bytes: nonsense), to: &image)
          default: CrashingFile.apply(.write(offset: piece.lowerBound, bytes: new), to: &image)
          }
        }
      }
    }
    return image
  }

  /// The parts of a range that lie in one sector each.
  private static func sectors(of range: Range<Int>) -> [Range<Int>] {
    var pieces: [Range<Int>] = []
    var start = range.lowerBound
    while start < range.upperBound {
      let end = min(range.upperBound, (start / 512 + 1) * 512)
      pieces.append(start..<end)
      start = end
    }
    return pieces
  }
}
