internal import MWCCore

/// A stretch of a capture that cannot be trusted.
package struct CaptureHole: Hashable, Sendable {
  /// What is wrong where it begins.
  package var error: CaptureError
  /// Where it begins, and where the next block or trailer that proves itself begins, or the end of
  /// the file.
  package var start: Int64
  package var end: Int64
  /// Records that stood in it; nil when nothing behind it says so.
  package var missingRecords: UInt64?
  /// Nothing that proves itself follows.
  package var isAtEnd: Bool
}

/// Goes through a capture and does not stop at damage: behind a bad place it looks for the next
/// block that proves itself (`docs/FORMAT.md`, section 11).
///
/// Not thread-safe.
struct CaptureSalvager: ~Copyable {
  enum Event {
    case session(CaptureSession)
    /// `advance` goes through the rows; a malformed one shows as a hole in the next event.
    case rows
    /// The end of a records, index or unknown block.
    case sealed
    case trailer(Trailer)
    case hole(CaptureHole)
  }

  private var scanner: CaptureScanner
  /// A malformed row that `advance` met.
  private var rowError: CaptureError?
  /// Records that stand before the next block, as far as seen.
  private var seenRecords: UInt64 = 0
  /// A hole whose records can be counted when the next block begins.
  private var openHole: CaptureHole?
  private var pending: Event?
  /// Where the last search ended, so that the same place is not tried again.
  private var latestJump: Int64?
  /// The block that was entered last: its header is sound, so what fails lies behind it.
  private var latestBlock: Int64?

  init(_ window: SourceWindow) {
    scanner = CaptureScanner(window)
    scanner.searchesTail = true
  }

  /// Begins at a place between two blocks.
  init(_ window: SourceWindow, at place: CaptureDecoder.Place) {
    self.init(window)
    scanner.decoder.move(to: place, floor: 0)
    seenRecords = place.record ?? 0
  }

  var fileID: UInt64? { scanner.decoder.fileID }
  var header: BlockHeader? { scanner.decoder.header }
  var blockOffset: Int64 { scanner.decoder.blockOffset }
  var seal: BlockSeal { scanner.decoder.seal }
  var index: CaptureIndex? { scanner.decoder.index }
  var ending: CaptureEnding? { scanner.ending }
  var fileEnd: Int64 { scanner.window.end }

  /// The row that `advance` went to.
  var current: Message {
    @_lifetime(borrow self)
    get { scanner.decoder.current }
  }

  /// Goes to the next row of the segment; false at its end or at a malformed row.
  mutating func advance() -> Bool {
    guard rowError == nil else { return false }
    do throws(CaptureError) {
      guard try scanner.decoder.advance() else { return false }
      seenRecords = scanner.decoder.recordNumber &+ 1
      return true
    } catch {
      rowError = error
      return false
    }
  }

  /// What comes next; nil at the end, whose kind `ending` tells.
  ///
  /// - Throws: `CaptureError`: `cannotOpen`, `io`, `notACapture`, `newerVersion`, `unsupported`; never
  ///   `damaged`, unless there is no block in the whole file.
  mutating func next() throws(CaptureError) -> Event? {
    while true {
      if let event = pending {
        pending = nil
        return event
      }
      if let rowError {
        self.rowError = nil
        try skip(rowError, from: scanner.decoder.completeEnd)
        continue
      }
      let event: CaptureDecoder.Event
      do throws(CaptureError) {
        guard let next = try scanner.step() else { return finishHole() }
        event = next
      } catch {
        guard error.code == .damaged || error.code == .notACapture else { throw error }
        try skip(error, from: scanner.decoder.completeEnd)
        continue
      }
      switch event {
      case .preamble, .more: continue
      case .blockBegan:
        latestBlock = scanner.decoder.blockOffset
        guard let header = scanner.decoder.header else { continue }
        if let hole = close(atRecord: header.firstRecord) { return .hole(hole) }
        seenRecords = header.firstRecord
      case .rows: return .rows
      case .session(let session): return .session(session)
      case .sealed: return .sealed
      case .trailer(let trailer):
        if let hole = close(atRecord: trailer.recordCount) {
          pending = .trailer(trailer)
          return .hole(hole)
        }
        return .trailer(trailer)
      }
    }
  }

  /// Begins a hole at `start`, and goes on at the next block.
  private mutating func skip(_ error: CaptureError, from start: Int64) throws(CaptureError) {
    let isKnownFile = scanner.decoder.fileID != nil
    // What stands here may be sound and only not what was expected; once. Without a head the search
    // begins at the first byte. It never goes back, so it ends.
    let place = max(isKnownFile ? max(start, scanner.decoder.offset) : 0, latestJump ?? 0)
    let isTried = place == latestJump || place == latestBlock
    let next = try scanner.window.findItem(
      from: isTried ? place + 1 : place, fileID: scanner.decoder.fileID)
    latestJump = next ?? latestJump
    guard isKnownFile || next != nil else { throw error }
    if openHole == nil {
      openHole = CaptureHole(
        error: error, start: start, end: start, missingRecords: nil, isAtEnd: false)
    }
    openHole?.end = next ?? scanner.window.end
    guard let next else {
      scanner.decoder.jump(to: scanner.window.end)
      return
    }
    scanner.decoder.move(to: CaptureDecoder.Place(offset: next), floor: scanner.decoder.floor)
    // Behind this hole the tail may go on once more.
    scanner.resume()
  }

  private mutating func close(atRecord record: UInt64) -> CaptureHole? {
    guard var hole = openHole else { return nil }
    openHole = nil
    if record >= seenRecords {
      hole.missingRecords = record - seenRecords
    } else if seenRecords <= scanner.decoder.floor {
      // The tail had them.
      hole.missingRecords = 0
    }
    return hole
  }

  private mutating func finishHole() -> Event? {
    guard var hole = openHole else { return nil }
    openHole = nil
    hole.isAtEnd = true
    return .hole(hole)
  }
}
