package import SystemPackage

/// A capture and its tail, read as one file: where the capture ends unfinished, the block of the tail
/// that would follow is joined to it (`docs/FORMAT.md`, section 9).
///
/// ```
///   run.cap       │ blocks 0 … 16 │ (a write that was cut off)
///   run.cap.tail          │ 16 │ 17 rows …
///                               └──────────── joined where block 17 would begin
/// ```
///
/// Offsets are those of the capture; of joined bytes they go on from there. Not thread-safe.
package final class CapturePair: CaptureSource {
  private struct Joint {
    var tail: any CaptureSource
    /// Where the tail is joined to the capture.
    var place: CaptureDecoder.Place
    /// Which byte of it stands there.
    var tailOffset: Int64
    /// Size of the capture when it was joined.
    var captureSize: Int64?
  }

  private let capture: any CaptureSource
  private let openTail: () throws(CaptureError) -> (any CaptureSource)?
  private let tailName: String
  private let isOurs: Bool
  private var joint: Joint?
  /// Changes whenever bytes that were read may be others now.
  private(set) var generation = 0

  /// - Parameters:
  ///   - capture: the capture itself.
  ///   - tailName: name of its tail in errors.
  ///   - isOurs: whether only we write the capture, and know what it has.
  ///   - openTail: asked for the tail whenever the capture turns out to be unfinished; nil: there is
  ///     none.
  package init(
    _ capture: any CaptureSource, tailName: String, isOurs: Bool = false,
    openTail: @escaping () throws(CaptureError) -> (any CaptureSource)?
  ) {
    self.capture = capture
    self.tailName = tailName
    self.openTail = openTail
    self.isOurs = isOurs
  }

  /// Opens a capture for reading, with its tail if there is one; "-" is standard input.
  package static func reading(_ path: String) throws(CaptureError) -> any CaptureSource {
    withTail(try LocalFile.reading(path), at: path)
  }

  /// A file that was opened for reading at `path`, with its tail if there is one.
  static func withTail(_ file: LocalFile, at path: String) -> any CaptureSource {
    guard file.isRegular else { return file }
    let tailName = LocalTail.path(of: path)
    return CapturePair(file, tailName: tailName) { () throws(CaptureError) in
      try LocalTail.reading(tailName)
    }
  }

  /// The capture, and its tail while it is joined.
  var files: [any CaptureSource] { [capture] + (joint.map { [$0.tail] } ?? []) }

  // MARK: CaptureSource

  package func size() throws(Errno) -> Int64? {
    guard let joint else { return try capture.size() }
    return joint.place.offset + max(0, (try joint.tail.size() ?? 0) - joint.tailOffset)
  }

  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
  ) throws(Errno) -> Int {
    guard let joint else { return unsafe try capture.read(into: buffer, at: offset) }
    if offset >= joint.place.offset {
      return unsafe try joint.tail.read(
        into: buffer, at: offset - joint.place.offset + joint.tailOffset)
    }
    let length = Int(clamping: joint.place.offset - offset)
    return unsafe try capture.read(
      into: UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(length)), at: offset)
  }

  // MARK: Joining

  var isJoined: Bool { joint != nil }
  /// Where the tail is joined; nil when it is not.
  var place: CaptureDecoder.Place? { joint?.place }

  /// Whether the byte at `offset` is one of the tail.
  func isInTail(_ offset: Int64) -> Bool { joint.map { offset >= $0.place.offset } ?? false }

  /// Whether a block was sealed in the capture since the tail was joined to it, so that the tail is,
  /// or will be, something else.
  func hasCaptureChanged() throws(Errno) -> Bool {
    guard let joint, !isOurs else { return false }
    return try capture.size() != joint.captureSize
  }

  /// Joins the tail where the capture ends or cannot be read on.
  ///
  /// - Parameters:
  ///   - place: where that is, and which block belongs there.
  ///   - orBehind: whether, without that block, a later one will do, or what is left of one.
  /// - Returns: whether the tail has what belongs there, and is joined.
  /// - Throws: `CaptureError` when the tail cannot be read.
  func join(
    at place: CaptureDecoder.Place, orBehind: Bool = false
  ) throws(CaptureError) -> Bool {
    guard joint == nil, place.sequence != nil, place.record != nil, let fileID = place.fileID else {
      return false
    }
    // Before the tail: what is sealed from now on is noticed.
    let captureSize: Int64?
    do throws(Errno) { captureSize = try capture.size() } catch {
      throw CaptureError(.io, "cannot be examined", file: tailName, underlying: error)
    }
    guard let tail = try openTail(),
      let tailOffset = try CapturePair.findBlock(
        place, fileID: fileID, orBehind: orBehind, in: tail, name: tailName)
    else { return false }
    joint = Joint(
      tail: tail, place: place, tailOffset: tailOffset, captureSize: captureSize)
    generation += 1
    return true
  }

  /// Lets go of the tail.
  func part() {
    joint = nil
    generation += 1
  }

  /// Id of the capture that a tail belongs to; nil when it is empty or no tail.
  static func fileID(of tail: any CaptureSource, name: String) throws(CaptureError) -> UInt64? {
    let window = SourceWindow(tail, name: name)
    let head = try window.load(at: 0, length: CaptureFormat.preambleSize)
    if let preamble = Preamble(decoding: head.bytes) { return preamble.fileID }
    // Its blocks say so, too.
    guard let block = try window.findItem(from: 0, fileID: nil) else { return nil }
    let item = try window.load(at: block, length: CaptureFormat.itemSize)
    return BlockHeader(decoding: item.bytes)?.fileID
  }

  /// Where the block that belongs at `place` stands in a tail, whatever became of what stands before
  /// it.
  private static func findBlock(
    _ place: CaptureDecoder.Place, fileID: UInt64, orBehind: Bool, in tail: any CaptureSource,
    name: String
  ) throws(CaptureError) -> Int64? {
    let window = SourceWindow(tail, name: name)
    let head = try window.load(at: 0, length: CaptureFormat.preambleSize)
    if let preamble = Preamble(decoding: head.bytes), preamble.fileID != fileID { return nil }
    var decoder = CaptureDecoder()
    decoder.skipsContents = true
    decoder.jump(to: Int64(CaptureFormat.preambleSize))
    while true {
      let part = try window.load(at: decoder.offset, length: decoder.wanted)
      let isEmpty = part.isEmpty
      guard part.count >= decoder.wanted, let event = try? decoder.decode(part.bytes),
        let header = decoder.header, header.fileID == fileID
      else {
        // Cut, or damaged: a block behind it proves itself.
        let bad = decoder.isInBlock ? decoder.blockOffset : decoder.offset
        if let next = try window.findItem(from: bad + 1, fileID: fileID) {
          decoder.jump(to: next)
          continue
        }
        // What fits nowhere is told as what is cut off of a capture; the capture has old blocks.
        return orBehind && !decoder.isInBlock && !isEmpty ? decoder.offset : nil
      }
      switch event {
      case .blockBegan:
        if header.sequence == place.sequence, header.firstRecord == place.record {
          return decoder.blockOffset
        }
        guard let wanted = place.sequence, header.sequence < wanted else {
          return orBehind ? decoder.blockOffset : nil
        }
      case .sealed:
        // What was sealed before it was flushed never stood here, so numbers may jump.
        decoder.jump(to: decoder.offset)
      case .more: break
      case .preamble, .rows, .session, .trailer: return nil
      }
    }
  }
}
