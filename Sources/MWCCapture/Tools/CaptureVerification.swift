internal import MWCCore

/// What `verify` finds: whether every byte of a capture is what was written.
package struct CaptureVerification: Sendable {
  package enum State: String, Sendable {
    /// Everything is there and fits.
    case finished
    /// Cut off by a crash, or still being written; what is there fits.
    case unfinished
    /// Something does not fit, or is missing in between.
    case damaged
  }

  package var file: String
  package var state = State.unfinished
  package var fileSize: Int64 = 0
  /// Bytes behind the last complete segment of an unfinished capture.
  package var excessBytes: Int64 = 0
  package var sessions = 0
  /// Complete blocks of all kinds.
  package var blocks = 0
  /// Records that can be trusted.
  package var records: UInt64 = 0
  package var payloadBytes: UInt64 = 0
  /// Damage in the order of the file, the first `maxHoles` of it.
  package var holes: [CaptureHole] = []
  package var holeCount = 0
  /// Places where the index or the trailer says something else than the blocks do.
  package var contradictions: [CaptureError] = []

  /// Damage listed one by one at most; all of it is counted.
  package static let maxHoles = 1000

  /// Checks a whole file; "-" is standard input.
  ///
  /// - Throws: `CaptureError` when it cannot be checked: `cannotOpen`, `notACapture`,
  ///   `newerVersion`, `unsupported`, `io`. Damage is a result, not an error.
  package static func verify(_ path: String) throws(CaptureError) -> CaptureVerification {
    try verify(CapturePair.reading(path), name: path)
  }

  /// As above, from any source.
  package static func verify(
    _ source: any CaptureSource, name: String
  ) throws(CaptureError) -> CaptureVerification {
    var verification = CaptureVerification(file: name)
    try verification.run(SourceWindow(source, name: name))
    return verification
  }

  private init(file: String) { self.file = file }

  private mutating func run(_ window: SourceWindow) throws(CaptureError) {
    var salvager = CaptureSalvager(window)
    var check = IndexCheck()
    while let event = try salvager.next() {
      switch event {
      case .hole(let hole):
        holeCount += 1
        if holes.count < CaptureVerification.maxHoles { holes.append(hole) }
        check.hasHole = true
      case .rows:
        while salvager.advance() {
          let record = salvager.current
          records += 1
          payloadBytes += UInt64(record.payload.byteCount)
          check.tallies.count(
            connection: record.connection, kind: record.kind, direction: record.direction,
            bytes: record.payload.byteCount)
        }
      case .session:
        sessions += 1
        blocks += 1
        check.add(salvager)
      case .sealed:
        blocks += 1
        if salvager.header?.kind == .index {
          let isRight = check.accepts(salvager)
          if !isRight { contradict("the index block contradicts the blocks", salvager) }
        } else {
          check.add(salvager)
        }
      case .trailer(let trailer):
        let isRight =
          check.hasEverHadHole
          || trailer.payloadBytes == payloadBytes && trailer.sessionCount == UInt32(sessions)
            && trailer.indexOffset == check.latestIndex
        if !isRight { contradict("the trailer contradicts the blocks", salvager) }
      }
    }
    fileSize = salvager.fileEnd
    if case .unfinished(_, let excess) = salvager.ending { excessBytes = excess }
    if holeCount > 0 || !contradictions.isEmpty {
      state = .damaged
    } else if salvager.ending == .finished {
      state = .finished
    }
  }

  private mutating func contradict(_ reason: String, _ salvager: borrowing CaptureSalvager) {
    guard contradictions.count < CaptureVerification.maxHoles else { return }
    contradictions.append(
      CaptureError(
        .damaged, reason, file: file, block: salvager.header?.sequence,
        offset: salvager.blockOffset))
  }
}

/// What the blocks since the last index block hold, to compare with the next one.
private struct IndexCheck {
  var entries: [IndexEntry] = []
  var tallies = TallyTable()
  var latestIndex: UInt64 = 0
  /// Something was lost since the last index block.
  var hasHole = false { didSet { if hasHole { hasEverHadHole = true } } }
  var hasEverHadHole = false

  mutating func add(_ salvager: borrowing CaptureSalvager) {
    guard let header = salvager.header, header.kind.isKnown else { return }
    var seal = salvager.seal
    seal.segmentCount = 0  // The index does not hold it.
    entries.append(
      IndexEntry(
        offset: UInt64(salvager.blockOffset), kind: header.kind, encoding: header.encoding,
        firstRecord: header.firstRecord, seal: seal))
  }

  /// Compares the index block that has just ended; then counts afresh.
  mutating func accepts(_ salvager: borrowing CaptureSalvager) -> Bool {
    let index = salvager.index
    let isRight =
      index.map { index in
        hasHole
          || index.entries == entries && index.previous == latestIndex
            && index.tallies.sorted.elementsEqual(tallies.sorted) {
              $0.key == $1.key && $0.tally == $1.tally
            }
      } ?? false
    entries = []
    tallies.removeAll()
    hasHole = false
    latestIndex = UInt64(salvager.blockOffset)
    return isRight
  }
}

extension CaptureVerification: CustomStringConvertible {
  /// One line that says how things stand.
  package var description: String {
    let amount = "\(records) records in \(blocks) blocks"
    switch state {
    case .finished: return "\(file): complete: \(amount)"
    case .unfinished where excessBytes > 0:
      return "\(file): unfinished: \(amount), then \(excessBytes) bytes of a write that was cut off"
    case .unfinished: return "\(file): unfinished: \(amount), and no index or trailer"
    case .damaged:
      return "\(file): damaged in \(holeCount + contradictions.count) places: \(amount) can be read"
    }
  }
}
