package import MWCCapture
package import MWCCore
package import MWCReplay
package import MWCSinks

/// What is played, and how.
package struct PlayerOptions: Sendable {
  /// The captures, at least one; several are played together. `-` is standard input.
  package var files: [String]
  package var speed = PlaybackSpeed.times(1)
  /// Where to begin and to end; the end is not played.
  package var from: PointInTime?
  package var to: PointInTime?
  /// How often; nil: until stopped.
  package var passes: Int? = 1
  /// Silences are shortened to this many nanoseconds of recorded time; nil: played in full.
  package var longestGap: Int64?
  /// Only this connection of each capture; nil: all.
  package var connection: UInt32?
  /// Only messages that meet it; nil: all.
  package var filter: FilterExpression?
  /// Whether to wait for more at the end of captures that are still being written.
  package var follows = false
  /// Whether `Playback.statistics` has to know how many bytes were played.
  package var countsBytes = true
  /// Whether somebody looks at `Player.progress` and `Player.duration`. For a capture without an
  /// index the duration means reading it once.
  package var showsProgress = false

  package init(files: [String]) {
    precondition(!files.isEmpty, "something has to be played")
    self.files = files
  }
}

/// Why a recording could not be played, or not to its end.
package enum PlayerError: Error {
  /// The capture cannot be read, or not further. All before it was played.
  case capture(CaptureError)
  /// The output takes no more.
  case output(OutputError)
  /// The options ask for something that this capture cannot give; a sentence for a person.
  case impossible(String)
}

/// What was played.
package struct Playback {
  package var statistics: ReplayStatistics
  /// How it ended; nil when `error` ended it.
  package var end: ReplayEnd?
  /// Why it could not be played to the end.
  package var error: PlayerError?
  package var bad: BadMessages
  /// How each capture ended; nil when playing ended before it did.
  package var endings: [(file: String, ending: CaptureEnding?)]
}

/// Plays captures: readers, clock, formatter, descriptor.
///
/// One thread plays; `clock` and `progress` may be used by others meanwhile.
package struct Player: ~Copyable {
  package let clock: ReplayClock
  /// What has been played so far, if the options asked for it.
  package let progress: ReplayProgress?
  /// Wall clock at the start of the recording, nanoseconds since 1970.
  package let startWallTime: Int64
  /// Length of the recording, nanoseconds; nil when nobody wanted it or it comes through a pipe.
  package let duration: Int64?

  private let messages: CaptureMessages
  private let output: DescriptorOutput
  private let plan: ReplayPlan

  /// Opens the captures and finds out what the options mean for them.
  package init(_ options: PlayerOptions, output: DescriptorOutput) throws(PlayerError) {
    let tracks: [CaptureTrack]
    var duration: Int64?
    do {
      tracks = try CaptureTrack.open(options.files, flushing: output)
      if options.needsDuration { duration = try CaptureTrack.duration(of: tracks) }
    } catch { throw .capture(error) }

    let startWallTime = tracks[0].startWallTime &- tracks[0].shift
    let from = try options.from?.position(startWallTime: startWallTime, duration: duration) ?? 0
    let to = try options.to?.position(startWallTime: startWallTime, duration: duration) ?? .max
    guard from <= to else { throw .impossible("the end of the passage lies before its beginning") }
    guard tracks.allSatisfy(\.isSeekable) || options.passes == 1 else {
      throw .impossible("a capture that comes through a pipe cannot be played twice")
    }

    plan = ReplayPlan(
      range: from..<to, passes: options.passes, longestGap: options.longestGap,
      selection: MessageSelection(connection: options.connection),
      countsBytes: options.countsBytes)
    clock = ReplayClock(speed: options.speed)
    progress = options.showsProgress ? ReplayProgress() : nil
    self.startWallTime = startWallTime
    self.duration = duration
    let clock = clock
    // An output that fails now fails again at its next flush, where somebody hears of it.
    let follower = Follower(isStopped: { clock.isStopped }, beforeWaiting: { try? output.flush() })
    messages = CaptureMessages(
      tracks, filter: options.filter, follower: options.follows ? follower : nil)
    self.output = output
  }

  /// Plays everything, on the calling thread.
  package consuming func play(as formatter: any MessageFormatter) -> Playback {
    messages.announce(formatter.interest)
    var replayer = Replayer(
      source: messages, sink: FormatterSink(formatter, to: output), clock: clock, plan: plan,
      progress: progress)
    var end: ReplayEnd?
    var failure: PlayerError?
    do {
      end = try replayer.run()
    } catch {
      switch error {
      case .source(let error): failure = .capture(error)
      case .sink(let error): failure = .output(error)
      }
    }
    let statistics = replayer.statistics
    return replayer.withEnds { source, sink in
      Playback(
        statistics: statistics, end: end, error: failure, bad: sink.bad,
        endings: source.endings)
    }
  }
}

extension PlayerOptions {
  fileprivate var needsDuration: Bool {
    for case .share in [from, to] { return true }
    return showsProgress
  }
}

extension PointInTime {
  /// The position in a recording that began at `startWallTime`.
  func position(startWallTime: Int64, duration: Int64?) throws(PlayerError) -> Int64 {
    switch self {
    case .offset(let offset): return offset
    case .wall(let time):
      let (difference, overflow) = time.subtractingReportingOverflow(startWallTime)
      return overflow ? (time > 0 ? .max : 0) : max(0, difference)
    case .share(let share):
      guard let duration else {
        throw .impossible("how long a capture is that comes through a pipe is not known")
      }
      return Int64(Double(duration) * share)
    }
  }
}
