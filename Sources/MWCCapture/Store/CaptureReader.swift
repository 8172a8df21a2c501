package import MWCCore

/// Reads a capture from front to back: finished, cut off by a crash, or still being written.
///
/// ```swift
/// var reader = try CaptureReader.open("run.cap")
/// while let message = try reader.next() { … }      // a view: used up before the next call
/// ```
///
/// Every checksum is verified before anything is delivered. Memory is bounded by the largest segment
/// of the file, whatever its lengths say. A file that grows can be read on: `next` returns nil where
/// the complete part ends, and more when there is more. Not thread-safe.
package struct CaptureReader: ~Copyable {
  /// Name of the file in errors; "-" for standard input.
  package var name: String { scanner.window.name }
  /// The session of the message that `next` returned last; at first, the first one.
  package private(set) var session = CaptureSession(wallAnchor: 0, monotonicAnchor: 0)
  /// Where the message that `next` returned last stands in the recording: nanoseconds since its
  /// start (`docs/FORMAT.md`, section 6).
  package private(set) var offset: Int64 = 0
  /// How the capture ended; nil as long as `next` has not returned nil.
  package var ending: CaptureEnding? { scanner.ending }
  /// How far the file has been read, bytes: for those who say how long it will still take.
  package var position: Int64 { scanner.decoder.offset }
  /// Whether the source can be read anywhere; a pipe cannot.
  package let isSeekable: Bool

  /// Whether records of unknown kinds are delivered too.
  package var deliversUnknownKinds = false

  /// What will be read of the messages to come, so that nothing else is decoded where that can be;
  /// empty: all of it. Messages are the same either way.
  package var interests: [PathInterest] {
    get { scanner.decoder.interests }
    set { scanner.decoder.interests = newValue }
  }

  private var scanner: CaptureScanner
  private var timeline = Timeline()
  private var hasSession = false
  private var hasAdvanced = false
  /// Where `seek` wants the next message.
  private var target = Target.any
  /// The index, once something was sought.
  private var map: CaptureMap?

  private enum Target {
    case any
    case wallTime(Int64)
    case offset(Int64)
  }

  /// Opens a capture and reads its head; "-" is standard input.
  ///
  /// - Throws: `CaptureError`: `cannotOpen`, `notACapture`, `newerVersion`, `damaged`, `io`.
  package static func open(_ path: String) throws(CaptureError) -> CaptureReader {
    try open(CapturePair.reading(path), name: path)
  }

  /// As above, from any source.
  package static func open(
    _ source: any CaptureSource, name: String
  ) throws(CaptureError) -> CaptureReader {
    let window = SourceWindow(source, name: name)
    let isSeekable = try window.size() != nil
    var reader = CaptureReader(window, isSeekable: isSeekable)
    try reader.readHead()
    return reader
  }

  private init(_ window: SourceWindow, isSeekable: Bool) {
    scanner = CaptureScanner(window)
    self.isSeekable = isSeekable
  }

  /// Reads up to the end of the first session block.
  private mutating func readHead() throws(CaptureError) {
    while !hasSession {
      guard let event = try step() else { break }
      if event == .rows { throw missingSession() }
      if case .trailer = event { throw missingSession() }
    }
    scanner.resume()
  }

  private func missingSession() -> CaptureError {
    CaptureError(.damaged, "there is no session before the first records", file: name)
  }

  /// Size of the file now, bytes; nil for a pipe.
  ///
  /// - Throws: `CaptureError`: `io`.
  package func size() throws(CaptureError) -> Int64? { try scanner.window.size() }

  // MARK: Reading

  /// The next message, a view that is valid until the reader is used again. Nil at the end, whose
  /// kind `ending` tells; a later call goes on when the file has grown.
  ///
  /// - Throws: `CaptureError`: `damaged` with block and offset, `unsupported`, `io`. Calling again
  ///   throws the same.
  @_lifetime(&self)
  package mutating func next() throws(CaptureError) -> Message? {
    try advance() ? scanner.decoder.current : nil
  }

  /// Goes to the next message, which is then `current`; false where `next` would return nil. For
  /// those who need `offset` and `session` beside the message.
  ///
  /// - Throws: as `next`.
  package mutating func advance() throws(CaptureError) -> Bool {
    while try advanceRecord() {
      if isWanted() { return true }
    }
    return false
  }

  /// The message that `advance` or `next` came to last, a view that is valid until the reader is
  /// used again. Only after one of them has succeeded.
  package var current: Message {
    @_lifetime(borrow self)
    get { scanner.decoder.current }
  }

  /// Goes through all messages that are left.
  package mutating func forEach<Failure: Error>(
    _ body: (Message) throws(Failure) -> Void
  ) throws {
    while let message = try next() { try body(message) }
  }

  /// Goes to the next record of any kind.
  private mutating func advanceRecord() throws(CaptureError) -> Bool {
    while true {
      do throws(CaptureError) {
        if try scanner.decoder.advance() {
          offset = timeline.offset(ofMonotonic: scanner.decoder.monotonicTime)
          timeline.reach(offset)
          hasAdvanced = true
          return true
        }
      } catch { throw scanner.explain(error) }
      guard try step() != nil else { return false }
    }
  }

  private mutating func isWanted() -> Bool {
    let wallTime = scanner.decoder.wallTime
    switch target {
    case .any: break
    case .wallTime(let time):
      guard wallTime >= time else { return false }
      target = .any
    case .offset(let time):
      guard offset >= time else { return false }
      target = .any
    }
    return deliversUnknownKinds || scanner.decoder.kind.isKnown
  }

  /// Reads one part of the file; nil where the complete part ends.
  private mutating func step() throws(CaptureError) -> CaptureDecoder.Event? {
    let event = try scanner.step()
    if case .session(let session) = event {
      self.session = session
      hasSession = true
      timeline.begin(session)
    }
    return event
  }

  // MARK: Seeking

  /// Makes `next` go on with the first message whose wall time is `time` or later, in the order of
  /// the file. Reads the index, or walks an unfinished file once, and then one block.
  ///
  /// - Throws: `CaptureError`: as `next`; `io` for a stream that is beyond its first message.
  package mutating func seek(toWallTime time: Int64) throws(CaptureError) {
    if isSeekable {
      let map = try loadMap()
      try go(to: map.firstBlock(reachingWallTime: time))
    } else {
      try refuseSeekingBack()
    }
    target = .wallTime(time)
  }

  /// Makes `next` go on with the first message at `offset` nanoseconds of the recording or later.
  ///
  /// - Throws: as `seek(toWallTime:)`.
  package mutating func seek(toOffset time: Int64) throws(CaptureError) {
    if isSeekable {
      let map = try loadMap()
      try go(to: map.firstBlock(reachingOffset: time))
    } else {
      try refuseSeekingBack()
    }
    target = .offset(time)
  }

  private func refuseSeekingBack() throws(CaptureError) {
    guard !hasAdvanced else {
      throw CaptureError(.io, "a stream cannot be read again from an earlier time", file: name)
    }
  }

  /// The blocks of the file. Read once; a file that grew is mapped again.
  package mutating func loadMap() throws(CaptureError) -> CaptureMap {
    try scanner.refresh()
    if let map, map.fileSize == (try scanner.window.size()) { return map }
    let new = try CaptureMap(scanner.window.source, name: name)
    map = new
    return new
  }

  private mutating func go(to place: CaptureMap.Place?) throws(CaptureError) {
    scanner.resume()
    guard let place else { return }
    scanner.decoder.jump(to: place.sessionOffset)
    hasSession = false
    while !hasSession, try step() != nil {}
    if place.blockOffset != scanner.decoder.offset { scanner.decoder.jump(to: place.blockOffset) }
    timeline = place.timeline
  }
}

/// Turns monotonic times of a session into offsets from the start of the recording
/// (`docs/FORMAT.md`, section 6).
struct Timeline: Hashable {
  private var firstWallAnchor: Int64?
  private var monotonicAnchor: Int64 = 0
  /// Offset at which the session starts.
  private(set) var sessionStart: Int64 = 0
  /// The largest offset so far.
  private(set) var reached: Int64 = 0

  mutating func begin(_ session: CaptureSession) {
    begin(wallAnchor: session.wallAnchor, monotonicAnchor: session.monotonicAnchor)
  }

  mutating func begin(wallAnchor: Int64, monotonicAnchor: Int64) {
    if let firstWallAnchor {
      sessionStart = max(reached, wallAnchor.subtractingSaturating(firstWallAnchor))
    } else {
      firstWallAnchor = wallAnchor
    }
    self.monotonicAnchor = monotonicAnchor
    reach(sessionStart)
  }

  func offset(ofMonotonic time: Int64) -> Int64 {
    sessionStart.addingSaturating(max(0, time.subtractingSaturating(monotonicAnchor)))
  }

  mutating func reach(_ offset: Int64) {
    reached = max(reached, offset)
  }
}

extension Int64 {
  /// Times of a file may be anything; a sum beyond the range stays at its end.
  func addingSaturating(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other < 0 ? .min : .max) : sum
  }

  func subtractingSaturating(_ other: Int64) -> Int64 {
    let (difference, overflow) = subtractingReportingOverflow(other)
    return overflow ? (other < 0 ? .max : .min) : difference
  }
}

extension Message.Kind {
  /// Kinds that this version knows; others are skipped by readers.
  var isKnown: Bool {
    switch self {
    case .text, .binary, .ping, .pong, .opened, .closed, .error, .state, .gap, .clockJump, .note:
      true
    default: false
    }
  }
}
