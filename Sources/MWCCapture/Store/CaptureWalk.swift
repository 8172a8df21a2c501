internal import MWCCore

/// What going through a capture block by block finds, up to the end of its complete part: for a
/// writer that continues it, and for readers of a file without an index.
struct CaptureWalk {
  /// A block without a seal, at the end of an unfinished file.
  struct OpenBlock {
    var header: BlockHeader
    var offset: Int64
    var crc: UInt32
    var seal: BlockSeal
  }

  private(set) var fileID: UInt64 = 0
  private(set) var ending = CaptureEnding.unfinished(end: 0, excess: 0)
  /// Where the complete part ends; a writer goes on here.
  private(set) var end: Int64 = 0
  /// Sequence of the open block or, without one, of the next block.
  private(set) var nextSequence: UInt32 = 0
  private(set) var recordCount: UInt64 = 0
  /// Only when contents were read.
  private(set) var payloadBytes: UInt64 = 0
  private(set) var sessionCount: UInt32 = 0
  private(set) var openBlock: OpenBlock?
  /// All session and records blocks that have a seal.
  private(set) var entries: [IndexEntry] = []
  /// What no index block lists yet. Tallies only when contents were read.
  private(set) var unlistedIndex = CaptureIndex()
  /// What is wrong with the file behind `end`, when it is not just cut.
  private(set) var damage: CaptureError?

  /// Walks the file from its start.
  ///
  /// - Parameters:
  ///   - source: the file.
  ///   - name: its name in errors.
  ///   - readsContents: whether records are counted one by one, rather than taken from the seals.
  ///     Checksums are verified either way.
  /// - Throws: `CaptureError` when it cannot be read, or is not a capture; damage is no error here.
  init(_ source: any CaptureSource, name: String, readsContents: Bool) throws(CaptureError) {
    var scanner = CaptureScanner(SourceWindow(source, name: name))
    scanner.decoder.skipsContents = !readsContents
    do throws(CaptureError) {
      while let event = try scanner.step() { try add(event, from: &scanner.decoder) }
      ending = scanner.ending ?? ending
    } catch {
      guard error.code == .damaged, scanner.decoder.fileID != nil else { throw error }
      damage = error
    }
    fileID = scanner.decoder.fileID ?? 0
    end = scanner.decoder.completeEnd
    if scanner.decoder.isInBlock, let header = scanner.decoder.header {
      nextSequence = header.sequence
      if header.kind == .index {
        // It holds nothing of its own, and whoever goes on writes a new one.
        end = scanner.decoder.blockOffset
        return
      }
      openBlock = OpenBlock(
        header: header, offset: scanner.decoder.blockOffset, crc: scanner.decoder.crc,
        seal: scanner.decoder.seal)
      recordCount = header.firstRecord &+ UInt64(scanner.decoder.seal.recordCount)
      if header.kind == .session { sessionCount += 1 }
    }
  }

  /// What a writer needs to continue a capture: of a finished one just its trailer.
  ///
  /// - Throws: `CaptureError`: as above, and what is wrong with a damaged capture.
  static func forAppending(
    to source: any CaptureSource, name: String
  ) throws(CaptureError) -> CaptureWalk {
    let window = SourceWindow(source, name: name)
    if let size = try window.size(),
      let trailer = try CaptureMap.readTrailer(window, fileSize: size)
    {
      return CaptureWalk(trailer)
    }
    let walk = try CaptureWalk(source, name: name, readsContents: true)
    if let damage = walk.damage { throw damage }
    return walk
  }

  private init(_ trailer: Trailer) {
    fileID = trailer.fileID
    ending = .finished
    end = Int64(clamping: trailer.offset) + Int64(CaptureFormat.itemSize)
    nextSequence = trailer.blockCount
    recordCount = trailer.recordCount
    payloadBytes = trailer.payloadBytes
    sessionCount = trailer.sessionCount
    unlistedIndex.previous = trailer.indexOffset
  }

  private mutating func add(
    _ event: CaptureDecoder.Event, from decoder: inout CaptureDecoder
  ) throws(CaptureError) {
    switch event {
    case .rows:
      while try decoder.advance() {
        let record = decoder.current
        payloadBytes += UInt64(record.payload.byteCount)
        unlistedIndex.tallies.count(
          connection: record.connection, kind: record.kind, direction: record.direction,
          bytes: record.payload.byteCount)
      }
    case .session, .sealed:
      guard let header = decoder.header else { return }
      nextSequence = header.sequence &+ 1
      recordCount = header.firstRecord &+ UInt64(decoder.seal.recordCount)
      if header.kind == .index {
        unlistedIndex = CaptureIndex()
        unlistedIndex.previous = UInt64(decoder.blockOffset)
      } else if header.kind.isKnown {
        if header.kind == .session { sessionCount += 1 }
        let entry = IndexEntry(
          offset: UInt64(decoder.blockOffset), kind: header.kind, encoding: header.encoding,
          firstRecord: header.firstRecord, seal: decoder.seal)
        entries.append(entry)
        unlistedIndex.entries.append(entry)
      }
    case .preamble, .blockBegan, .more, .trailer: break
    }
  }
}
