package import MWCCapture
internal import MWCCore

/// Makes one capture of several, in the order in which things happened.
///
/// Wall clocks say when each capture began, monotonic clocks what happened after that, as when they
/// are played together. The order within each of them stays; where two are equal, the one named first
/// comes first. Wall-clock times, payloads and numbers stay what they were, but for the connections,
/// whose numbers are kept apart (`MergedSession`), and the monotonic times, which count from one start.
/// Parts of one recording become that recording again.
package struct CaptureMerge {
  package let session: CaptureSession
  private let tracks: [MergeTrack]

  /// Opens the captures. Each is read twice: what it holds has to be known first.
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
    let open = try CaptureTrack.open(files)
    tracks = open.enumerated().map { MergeTrack($0.element, number: $0.offset, merged: merged) }
  }

  /// Bytes of all captures; nil when one comes through a pipe.
  ///
  /// - Throws: `CaptureError`: `io`.
  package func size() throws(CaptureError) -> Int64? {
    var sum: Int64 = 0
    for track in tracks {
      guard let size = try track.track.size() else { return nil }
      sum += size
    }
    return sum
  }

  /// How each capture ended, after `run`.
  package var endings: [(file: String, ending: CaptureEnding?)] {
    tracks.map { ($0.track.file, $0.track.ending) }
  }

  /// Adds all records to `copy`, and completes it.
  ///
  /// - Parameters:
  ///   - copy: where they go.
  ///   - progress: is told how many bytes of all captures have been read.
  /// - Throws: `CaptureError` of the captures or of the copy.
  package func run(into copy: CaptureCopy, progress: (Int64) -> Void) throws(CaptureError) {
    while let track = try earliest() {
      try track.append(to: copy, session)
      if copy.records % 1024 == 0 { progress(tracks.reduce(0) { $0 + $1.track.bytesRead }) }
    }
    try copy.close(session: session)
  }

  private func earliest() throws(CaptureError) -> MergeTrack? {
    var earliest: MergeTrack?
    for track in tracks {
      try track.track.load()
      guard track.track.hasMessage else { continue }
      if let other = earliest, other.track.position <= track.track.position { continue }
      earliest = track
    }
    return earliest
  }
}

/// One of the captures while they are merged.
private final class MergeTrack {
  let track: CaptureTrack
  private let number: Int
  private let merged: MergedSession
  /// The session that `connections` is about: new numbers by old ones.
  private var session: CaptureSession?
  private var connections: [UInt32: UInt32] = [:]

  init(_ track: CaptureTrack, number: Int, merged: MergedSession) {
    self.track = track
    self.number = number
    self.merged = merged
    track.deliversUnknownKinds = true
  }

  /// Adds the record that the track stands at, and goes on behind it.
  func append(to copy: CaptureCopy, _ session: CaptureSession) throws(CaptureError) {
    // A local reference, for the record to depend on.
    let track = track
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
        connection: connection(record.connection), direction: record.direction, kind: record.kind,
        payload: record.payload), of: session)
    track.finishMessage()
  }

  private func connection(_ old: UInt32) -> UInt32 {
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
