package import MWCCapture
internal import MWCCore

/// One of the captures that are played together: a reader, and where its recording begins among the
/// others. One thread.
final class CaptureTrack {
  let file: String
  /// Wall clock when the recording began, nanoseconds since 1970.
  private(set) var startWallTime: Int64
  /// Nanoseconds by which it began later than the first of all.
  private(set) var shift: Int64 = 0
  /// Whether the reader stands at a message that has not been played.
  private(set) var hasMessage = false
  private var hasEnded = false
  /// Whether more may come after the end.
  var canGrow: Bool { isSeekable && Follower.canGrow(reader.ending) }
  private var reader: CaptureReader

  private init(_ reader: consuming CaptureReader, file: String) {
    self.file = file
    startWallTime = reader.session.wallAnchor
    self.reader = reader
  }

  var isSeekable: Bool { reader.isSeekable }
  var ending: CaptureEnding? { reader.ending }

  /// The run of the recorder that the message belongs to.
  var session: CaptureSession { reader.session }
  /// How far the file has been read, bytes.
  var bytesRead: Int64 { reader.position }
  /// Whether records of unknown kinds are delivered too.
  var deliversUnknownKinds: Bool {
    get { reader.deliversUnknownKinds }
    set { reader.deliversUnknownKinds = newValue }
  }

  /// What will be read of the messages to come.
  var interests: [PathInterest] {
    get { reader.interests }
    set { reader.interests = newValue }
  }

  /// Size of the file, bytes; nil for a pipe.
  func size() throws(CaptureError) -> Int64? { try reader.size() }

  /// Opens captures; where one comes through a pipe, `output` is flushed before waiting for more.
  static func open(
    _ files: [String], flushing output: DescriptorOutput? = nil
  ) throws(CaptureError) -> [CaptureTrack] {
    var tracks: [CaptureTrack] = []
    for file in files {
      tracks.append(CaptureTrack(try CaptureReader.open(file, flushing: output), file: file))
    }
    let starts = starts(of: tracks.map(\.session))
    for (track, (start, shift)) in zip(tracks, zip(starts, shifts(of: starts))) {
      track.startWallTime = start
      track.shift = shift
    }
    return tracks
  }

  /// One of several captures, opened when it is needed: `shift` is what `shifts(of:)` says.
  static func open(
    _ source: any CaptureSource, file: String, shift: Int64
  ) throws(CaptureError) -> CaptureTrack {
    let track = CaptureTrack(try CaptureReader.open(source, name: file), file: file)
    track.shift = shift
    return track
  }

  /// When captures with these first sessions began. The files of one recording stand as its monotonic
  /// clock says: the wall clock may have been set.
  static func starts(of sessions: [CaptureSession]) -> [Int64] {
    var firsts: [RecordingIdentity: CaptureSession] = [:]
    for session in sessions {
      let first = firsts[session.asRecording] ?? session
      firsts[session.asRecording] =
        session.monotonicAnchor < first.monotonicAnchor ? session : first
    }
    return sessions.map { session in
      let first = firsts[session.asRecording] ?? session
      return first.wallAnchor &+ (session.monotonicAnchor &- first.monotonicAnchor)
    }
  }

  /// Nanoseconds by which each capture began later than the first of all.
  static func shifts(of starts: [Int64]) -> [Int64] {
    let first = starts.min() ?? 0
    return starts.map { start in
      let (shift, overflow) = start.subtractingReportingOverflow(first)
      return overflow ? .max : shift
    }
  }

  /// Length of the recording that they make together; nil when one of them comes through a pipe.
  /// They stand at their start afterwards.
  static func duration(of tracks: [CaptureTrack]) throws(CaptureError) -> Int64? {
    var duration: Int64 = 0
    for track in tracks {
      guard track.isSeekable else { return nil }
      duration = max(duration, track.shifted(try track.reader.measureDuration()))
    }
    return duration
  }

  // MARK: Reading

  /// The position of the message that the reader stands at, in the recording that they make together.
  var position: Int64 { shifted(reader.offset) }

  /// The message that the reader stands at, until the track is used again.
  var current: Message {
    @_lifetime(borrow self)
    get {
      let message = reader.current
      return unsafe _overrideLifetime(message, borrowing: self)
    }
  }

  /// Makes sure that there is a message, unless the capture has ended.
  ///
  /// - Parameter following: looks again behind the end of a capture that may have grown.
  /// - Throws: `CaptureError` as the reader does.
  func load(following: Bool = false) throws(CaptureError) {
    guard !hasMessage, !hasEnded || following && canGrow else { return }
    hasMessage = try reader.advance()
    hasEnded = !hasMessage
  }

  /// The message has been played.
  func finishMessage() { hasMessage = false }

  func seek(to position: Int64) throws(CaptureError) {
    try reader.seek(toOffset: max(0, position - min(shift, position)))
    hasMessage = false
    hasEnded = false
  }

  private func shifted(_ offset: Int64) -> Int64 {
    let (sum, overflow) = offset.addingReportingOverflow(shift)
    return overflow ? .max : sum
  }
}

extension CaptureReader {
  /// Opens a capture; where it comes through a pipe, `output` is flushed before waiting for more.
  package static func open(
    _ path: String, flushing output: DescriptorOutput?
  ) throws(CaptureError) -> CaptureReader {
    guard path == "-", let output else { return try open(path) }
    // An output that fails now fails again at its next flush, where somebody hears of it.
    let source = PatientSource(try LocalFile.reading(path)) { try? output.flush() }
    return try open(source, name: path)
  }
}
