package import MWCCapture
internal import MWCCore

/// Makes one capture of several, in the order in which things happened.
///
/// Wall clocks say when each capture began, monotonic clocks what happened after that, as when they
/// are played together. The order within each of them stays; where two are equal, the one named first
/// comes first. Wall-clock times, payloads and numbers stay what they were, but for the connections,
/// whose numbers are kept apart (`MergedSession`), and the monotonic times, which count from one start.
/// Parts of one recording become that recording again.
///
/// A capture is open from its first record to its last, and of these only some at a time
/// (`FilesByTurns`).
package struct CaptureMerge {
  package let session: CaptureSession
  /// Bytes of all captures.
  package let size: Int64
  private let files = FilesByTurns()
  private let tracks: [MergeTrack]

  /// Reads the captures. Each is read twice: what it holds has to be known first.
  ///
  /// - Throws: `CaptureError`: one of them cannot be read, or is damaged; `tooLarge`.
  package init(_ files: [String]) throws(CaptureError) {
    var summaries: [CaptureSummary] = []
    for file in files {
      let summary = try CaptureSummary(file)
      if let damage = summary.damage { throw damage }
      summaries.append(summary)
    }
    let merged = try MergedSession(summaries)
    session = merged.session
    size = summaries.reduce(0) { $0 + $1.fileSize }
    let sessions = summaries.map {
      $0.sessions.first ?? CaptureSession(wallAnchor: 0, monotonicAnchor: 0)
    }
    let shifts = CaptureTrack.shifts(of: CaptureTrack.starts(of: sessions))
    tracks = zip(files, shifts).enumerated().map { number, track in
      MergeTrack(track.0, shift: track.1, number: number, merged: merged)
    }
  }

  /// How each capture ended, after `run`.
  package var endings: [(file: String, ending: CaptureEnding?)] {
    tracks.map { ($0.file, $0.ending) }
  }

  /// Adds all records to `copy`, and completes it.
  ///
  /// - Parameters:
  ///   - copy: where they go.
  ///   - progress: is told how many bytes of all captures have been read.
  /// - Throws: `CaptureError` of the captures or of the copy.
  package func run(into copy: CaptureCopy, progress: (Int64) -> Void) throws(CaptureError) {
    // No record of a capture comes before its beginning, which puts off opening it.
    var queue = MergeQueue(tracks.map(\.position))
    while let number = queue.first {
      let track = tracks[number]
      if track.isOpen {
        try track.append(to: copy, session)
        if copy.records % 1024 == 0 { progress(tracks.reduce(0) { $0 + $1.bytesRead }) }
      }
      if try track.advance(files) {
        queue.moveFirst(to: track.position)
      } else {
        queue.removeFirst()
      }
    }
    try copy.close(session: session)
  }
}

/// One of the captures while they are merged.
private final class MergeTrack {
  let file: String
  /// Where it stands in what they make together: before it is open, where it begins.
  private(set) var position: Int64
  private(set) var bytesRead: Int64 = 0
  private(set) var ending: CaptureEnding?
  private let number: Int
  private let merged: MergedSession
  private let shift: Int64
  private var source: (any CaptureSource)?
  private var track: CaptureTrack?
  /// The session that `connections` is about: new numbers by old ones.
  private var session: CaptureSession?
  private var connections: [UInt32: UInt32] = [:]

  init(_ file: String, shift: Int64, number: Int, merged: MergedSession) {
    self.file = file
    self.shift = shift
    self.number = number
    self.merged = merged
    position = shift
  }

  /// Whether it stands at a record.
  var isOpen: Bool { track != nil }

  /// Goes to the next record, opening the capture if that has not been done; false at its end, where
  /// it is closed.
  func advance(_ files: FilesByTurns) throws(CaptureError) -> Bool {
    if track == nil { try open(files) }
    guard let track else { return false }
    try track.load()
    bytesRead = track.bytesRead
    guard track.hasMessage else {
      ending = track.ending
      self.track = nil
      if let source { files.close(source) }
      source = nil
      return false
    }
    position = track.position
    return true
  }

  private func open(_ files: FilesByTurns) throws(CaptureError) {
    let source = try files.reading(file)
    let track = try CaptureTrack.open(source, file: file, shift: shift)
    track.deliversUnknownKinds = true
    self.source = source
    self.track = track
  }

  /// Adds the record that the track stands at, and goes on behind it.
  func append(to copy: CaptureCopy, _ session: CaptureSession) throws(CaptureError) {
    guard let track else { return }
    let record = track.current
    if merged.isOneRecording {
      try copy.append(record, of: track.session)
      track.finishMessage()
      return
    }
    let (time, overflow) = session.monotonicAnchor.addingReportingOverflow(track.position)
    try copy.append(
      Message(
        wallTime: record.wallTime, monotonicTime: overflow ? .max : time,
        connection: connection(record.connection, of: track), direction: record.direction,
        kind: record.kind,
        payload: record.payload), of: session)
    track.finishMessage()
  }

  private func connection(_ old: UInt32, of track: CaptureTrack) -> UInt32 {
    if session != track.session {
      session = track.session
      connections = [:]
    }
    if let new = connections[old] { return new }
    let new = merged.number(of: old, in: track.session, capture: number)
    connections[old] = new
    return new
  }
}
