internal import MWCCapture
internal import MWCCore
internal import MWCReplay

/// Captures as the replayer sees them: one recording, in the order in which messages arrived.
///
/// Wall clocks say when each capture began, monotonic clocks what happened after that.
struct CaptureMessages: MessageSource {
  private let tracks: [CaptureTrack]
  private let filter: Filter?
  /// Waits for more; nil: the end is the end.
  private let follower: Follower?
  /// The track whose message was returned last.
  private var latest: CaptureTrack?

  init(_ tracks: [CaptureTrack], filter: FilterExpression?, follower: Follower? = nil) {
    self.tracks = tracks
    self.follower = follower
    self.filter = filter.map { Filter($0) }
  }

  /// Says what will be read of the messages that the filter lets through; nil: all of them.
  func announce(_ interest: PathInterest?) {
    let interests = [filter?.interest, interest].compactMap { $0 }
    for track in tracks { track.interests = interests }
  }

  var endings: [(file: String, ending: CaptureEnding?)] { tracks.map { ($0.file, $0.ending) } }

  @_lifetime(&self)
  mutating func next() throws(CaptureError) -> PlacedMessage? {
    while true {
      latest?.finishMessage()
      latest = try earliest()
      guard let track = latest else {
        guard let follower, tracks.contains(where: \.canGrow), follower.wait() else { return nil }
        continue
      }
      guard filter?.accepts(track.current) ?? true else { continue }
      let placed = PlacedMessage(track.current, position: track.position)
      // The track is not touched before the next call, which ends this borrow of self.
      return unsafe _overrideLifetime(placed, mutating: &self)
    }
  }

  /// The track with the earliest message; nil when all have ended. Among equals the first file wins.
  private func earliest() throws(CaptureError) -> CaptureTrack? {
    var earliest: CaptureTrack?
    for track in tracks {
      try track.load(following: follower != nil)
      guard track.hasMessage else { continue }
      if let other = earliest, other.position <= track.position { continue }
      earliest = track
    }
    return earliest
  }

  mutating func seek(to position: Int64) throws(CaptureError) {
    latest = nil
    for track in tracks { try track.seek(to: position) }
  }
}
