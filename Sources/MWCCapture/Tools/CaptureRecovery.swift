internal import MWCCore

/// Copies what can be trusted of a capture to a new one, which verifies clean.
package struct CaptureRecovery: Sendable {
  /// Records kept.
  package var records: UInt64 = 0
  package var payloadBytes: UInt64 = 0
  /// What was not kept, in order; the first `CaptureVerification.maxHoles` of it.
  package var holes: [CaptureHole] = []
  package var holeCount = 0
  /// Records missing, as far as what follows them says so.
  package var missingRecords: UInt64 = 0
  /// Whether somewhere it cannot be known how many are missing.
  package var missesUnknown = false
  /// Bytes behind the last complete segment of an unfinished capture.
  package var excessBytes: Int64 = 0
  /// Whether the capture had its index and trailer.
  package var wasFinished = false

  /// Reads `path` and fills `output`, which then holds every record that can be trusted, and a `gap`
  /// record where some are missing.
  ///
  /// - Parameters:
  ///   - path: the capture to read; "-" is standard input.
  ///   - output: an empty file; synced and closed when this returns.
  ///   - outputName: its name in errors.
  ///   - options: how to write it.
  /// - Returns: what was kept and what not.
  /// - Throws: `CaptureError` of either file, which it names.
  package static func recover(
    _ path: String, to output: LocalFile, named outputName: String,
    options: CaptureWriter.Options = CaptureRecovery.defaultOptions
  ) throws(CaptureError) -> CaptureRecovery {
    let source = try CapturePair.reading(path)
    return try recover(source, name: path) { () throws(CaptureError) in
      (output, outputName, UInt64.random(in: 1 ... .max))
    } options: {
      options
    }
  }

  /// A copy may fill the disk: whoever runs out of room while mending sees an error at once.
  package static let defaultOptions: CaptureWriter.Options = {
    var options = CaptureWriter.Options()
    options.minFree = 0
    return options
  }()

  /// As above, between any files. `makeOutput` is asked for the file, its name and its id when the
  /// first thing worth keeping has been found, so that nothing is created for what is no capture.
  package static func recover(
    _ source: any CaptureSource, name: String,
    makeOutput: () throws(CaptureError) -> (any StoredFile, String, UInt64),
    options: () -> CaptureWriter.Options
  ) throws(CaptureError) -> CaptureRecovery {
    var recovery = CaptureRecovery()
    var salvager = CaptureSalvager(SourceWindow(source, name: name))
    var copier = Copier(options: options())
    while let event = try salvager.next() {
      switch event {
      case .hole(let hole):
        recovery.count(hole)
        copier.add(hole)
      case .session(let session):
        try copier.begin(session, makeOutput)
      case .rows:
        if !copier.hasOutput, let header = salvager.header {
          // The session block is lost; the first block at least knows when it was written.
          try copier.begin(
            CaptureSession(
              wallAnchor: header.baseWallTime, monotonicAnchor: header.baseMonotonicTime,
              tool: "mwc recover"), makeOutput)
        }
        while salvager.advance() {
          let record = salvager.current
          try copier.copy(record)
          recovery.records += 1
          recovery.payloadBytes += UInt64(record.payload.byteCount)
        }
      case .sealed, .trailer: break
      }
    }
    switch salvager.ending {
    case .unfinished(_, let excess): recovery.excessBytes = excess
    case .finished: recovery.wasFinished = true
    case nil: break
    }
    guard copier.hasOutput else {
      throw CaptureError(.damaged, "holds nothing that can be recovered", file: name)
    }
    try copier.close()
    return recovery
  }

  private mutating func count(_ hole: CaptureHole) {
    holeCount += 1
    if holes.count < CaptureVerification.maxHoles { holes.append(hole) }
    if let missing = hole.missingRecords {
      missingRecords &+= missing
    } else {
      missesUnknown = true
    }
  }
}

/// Writes what is kept.
private struct Copier {
  let options: CaptureWriter.Options
  private var writer: CaptureWriter?
  /// Missing records that the next record is to be told from.
  private var gap: GapRecord?
  private var latestWall: Int64 = 0
  private var latestMonotonic: Int64 = 0

  init(options: CaptureWriter.Options) { self.options = options }

  var hasOutput: Bool { writer != nil }

  mutating func begin(
    _ session: CaptureSession,
    _ makeOutput: () throws(CaptureError) -> (any StoredFile, String, UInt64)
  ) throws(CaptureError) {
    if let writer {
      try writeGap(before: nil)
      try writer.begin(session)
    } else {
      let (file, name, fileID) = try makeOutput()
      writer = try CaptureWriter(
        file: file, name: name, session: session, options: options, fileID: fileID)
    }
    latestWall = session.wallAnchor
    latestMonotonic = session.monotonicAnchor
  }

  mutating func add(_ hole: CaptureHole) {
    guard hole.missingRecords != 0 else { return }
    if gap == nil {
      gap = GapRecord(reason: "damaged", messages: hole.missingRecords, bytes: nil, duration: 0)
    } else if let known = gap?.messages, let more = hole.missingRecords {
      gap?.messages = known &+ more
    } else {
      gap?.messages = nil
    }
  }

  mutating func copy(_ record: borrowing Message) throws(CaptureError) {
    try writeGap(before: record.monotonicTime)
    latestWall = record.wallTime
    latestMonotonic = record.monotonicTime
    try writer?.appendUnchanged(record)
    try throwIfSuspended()
  }

  private mutating func writeGap(before next: Int64?) throws(CaptureError) {
    guard var gap else { return }
    self.gap = nil
    if let next { gap.duration = max(0, next.subtractingSaturating(latestMonotonic)) }
    try writer?.appendOwn(.gap, gap.json, wall: latestWall, monotonic: latestMonotonic)
  }

  /// A copy is all or nothing: a full disk ends it.
  private func throwIfSuspended() throws(CaptureError) {
    if case .suspended(let error)? = writer?.takeNotice() { throw error }
  }

  mutating func close() throws(CaptureError) {
    try writeGap(before: nil)
    try writer?.close()
    try throwIfSuspended()
  }
}
