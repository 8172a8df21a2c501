/// Where the blocks of a capture stand and which times they reach: from its index when it is
/// finished, else by walking it once.
package struct CaptureMap: Sendable {
  /// Where to begin reading.
  struct Place {
    var blockOffset: Int64
    /// The session block before it.
    var sessionOffset: Int64
    var timeline: Timeline
  }

  private struct Block {
    var offset: Int64
    var session: Int
    /// The latest wall time up to and including this block: never decreases, as a search needs.
    var reachedWall: Int64
    /// The same for offsets in the recording.
    var reachedOffset: Int64
    /// Before this block.
    var timeline: Timeline
  }

  /// Size of the file when the map was made.
  let fileSize: Int64
  /// Set when the file ends with a trailer.
  package let trailer: Trailer?
  /// All session and records blocks that have a seal, in order.
  package private(set) var entries: [IndexEntry]
  /// What they hold, as the index says; nil without index.
  package private(set) var tallies: TallyTable?
  /// Offset of a block without a seal.
  private var openBlock: (offset: Int64, header: BlockHeader)?
  private var blocks: [Block] = []
  private var sessionOffsets: [Int64] = []

  /// - Throws: `CaptureError` when the file cannot be read. What is wrong in it shows when it is
  ///   read there; the map then covers what stands before.
  init(_ source: any CaptureSource, name: String) throws(CaptureError) {
    let window = SourceWindow(source, name: name)
    fileSize = try window.size() ?? 0
    trailer = try CaptureMap.readTrailer(window, fileSize: fileSize)
    entries = []
    if let trailer, let index = try CaptureMap.readIndex(window, trailer, fileSize: fileSize) {
      entries = index.entries
      tallies = index.tallies
    } else {
      let walk = try CaptureWalk(source, name: name, readsContents: false)
      entries = walk.entries
      if let open = walk.openBlock { openBlock = (open.offset, open.header) }
    }
    placeBlocks()
  }

  /// Nanoseconds from the start of the recording to its last message; nil when the last block has no
  /// seal, which only reading it tells.
  package var duration: Int64? { openBlock == nil ? blocks.last?.reachedOffset ?? 0 : nil }

  /// The trailer at the end of the file, if it is one of this file.
  static func readTrailer(
    _ window: SourceWindow, fileSize: Int64
  ) throws(CaptureError) -> Trailer? {
    let start = fileSize - Int64(CaptureFormat.itemSize)
    guard start >= CaptureFormat.preambleSize else { return nil }
    let head = try window.load(at: 0, length: CaptureFormat.preambleSize)
    guard let preamble = Preamble(decoding: head.bytes) else { return nil }
    let end = try window.load(at: start, length: CaptureFormat.itemSize)
    guard let trailer = Trailer(decoding: end.bytes), trailer.fileID == preamble.fileID,
      trailer.offset == UInt64(start)
    else { return nil }
    return trailer
  }

  /// All index blocks, from the last to the first, joined; nil when they contradict the file.
  private static func readIndex(
    _ window: SourceWindow, _ trailer: Trailer, fileSize: Int64
  ) throws(CaptureError) -> CaptureIndex? {
    // Every block takes at least header, seal and one segment: an index cannot list more.
    let smallestBlock = 2 * CaptureFormat.itemSize + CaptureFormat.segmentHeaderSize + 1
    var room = Int(clamping: fileSize) / smallestBlock
    var parts: [[IndexEntry]] = []
    var tallies = TallyTable()
    var offset = trailer.indexOffset
    var limit = trailer.offset
    while offset != 0 {
      guard offset < limit, let part = try readIndexBlock(window, trailer.fileID, at: offset) else {
        return nil
      }
      room -= part.entries.count
      guard room >= 0, part.entries.allSatisfy({ $0.offset < offset }) else { return nil }
      parts.append(part.entries)
      tallies.add(part.tallies)
      limit = offset
      offset = part.previous
    }
    var whole = CaptureIndex()
    whole.entries = parts.reversed().flatMap { $0 }
    whole.tallies = tallies
    let offsets = whole.entries.map(\.offset)
    guard zip(offsets, offsets.dropFirst()).allSatisfy({ $0 < $1 }) else { return nil }
    return whole
  }

  private static func readIndexBlock(
    _ window: SourceWindow, _ fileID: UInt64, at offset: UInt64
  ) throws(CaptureError) -> CaptureIndex? {
    guard let start = Int64(exactly: offset) else { return nil }
    var decoder = CaptureDecoder()
    decoder.jump(to: start)
    while true {
      let part = try window.load(at: decoder.offset, length: decoder.wanted)
      guard part.count >= decoder.wanted else { return nil }
      do throws(CaptureError) {
        let event = try decoder.decode(part.bytes)
        guard decoder.header?.kind == .index, decoder.fileID == fileID else { return nil }
        if event == .sealed { return decoder.index }
      } catch { return nil }  // The blocks themselves are asked instead.
    }
  }

  // MARK: Searching

  private mutating func placeBlocks() {
    var timeline = Timeline()
    var session = -1
    var reachedWall = Int64.min
    for entry in entries {
      let times = entry.seal.times
      if entry.kind == .session {
        timeline.begin(wallAnchor: times.minWall, monotonicAnchor: times.minMonotonic)
        sessionOffsets.append(Int64(clamping: entry.offset))
        session += 1
      } else if session >= 0 {
        let before = timeline
        timeline.reach(timeline.offset(ofMonotonic: times.maxMonotonic))
        reachedWall = max(reachedWall, times.maxWall)
        blocks.append(
          Block(
            offset: Int64(clamping: entry.offset), session: session, reachedWall: reachedWall,
            reachedOffset: timeline.reached, timeline: before))
      }
    }
    // Which times the last block reaches is not known before it is sealed: all of them.
    if let openBlock, openBlock.header.kind == .records, session >= 0 {
      blocks.append(
        Block(
          offset: openBlock.offset, session: session, reachedWall: .max, reachedOffset: .max,
          timeline: timeline))
    }
  }

  /// The first block that reaches `time`, or the last one; nil when there is none.
  func firstBlock(reachingWallTime time: Int64) -> Place? { first { $0.reachedWall >= time } }

  /// The first block that reaches `offset` nanoseconds of the recording, or the last one.
  func firstBlock(reachingOffset offset: Int64) -> Place? { first { $0.reachedOffset >= offset } }

  private func first(where reaches: (Block) -> Bool) -> Place? {
    var low = 0
    var high = blocks.count
    while low < high {
      let middle = (low + high) / 2
      if reaches(blocks[middle]) { high = middle } else { low = middle + 1 }
    }
    guard !blocks.isEmpty else { return nil }
    let block = blocks[min(low, blocks.count - 1)]
    return Place(
      blockOffset: block.offset, sessionOffset: sessionOffsets[block.session],
      timeline: block.timeline)
  }
}
