package import MWCCapture
package import MWCCore
package import MWCReplay
package import MWCSinks

/// What is played, and how.
package struct PlayerOptions: Sendable {
  /// The capture; `-` is standard input.
  package var file: String
  package var speed = PlaybackSpeed.times(1)
  /// Where to begin and to end; the end is not played.
  package var from: PointInTime?
  package var to: PointInTime?
  /// How often; nil: until stopped.
  package var passes: Int? = 1
  /// Silences are shortened to this many nanoseconds of recorded time; nil: played in full.
  package var longestGap: Int64?
  /// Only this connection; nil: all.
  package var connection: UInt32?
  /// Whether `Player.duration` is wanted, which for a capture without an index means reading it once.
  package var wantsDuration = false

  package init(file: String) { self.file = file }
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
  /// How the capture ended; nil when playing ended before it did.
  package var ending: CaptureEnding?
}

/// Plays a capture: reader, clock, formatter, descriptor.
///
/// One thread plays; `clock` and `progress` may be used by others meanwhile.
package struct Player: ~Copyable {
  package let clock: ReplayClock
  package let progress = ReplayProgress()
  /// Wall clock at the start of the recording, nanoseconds since 1970.
  package let startWallTime: Int64
  /// Length of the recording, nanoseconds; nil when nobody wanted it or it comes through a pipe.
  package let duration: Int64?

  private let reader: CaptureReader
  private let output: DescriptorOutput
  private let plan: ReplayPlan

  /// Opens the capture and finds out what the options mean for it.
  package init(_ options: PlayerOptions, output: DescriptorOutput) throws(PlayerError) {
    var reader = try Player.naming { () throws(CaptureError) in
      try CaptureReader.open(options.file, flushing: output)
    }
    var duration: Int64?
    if options.needsDuration, reader.isSeekable {
      duration = try Player.naming { () throws(CaptureError) in try reader.measure() }
    }
    let startWallTime = reader.session.wallAnchor
    let from = try options.from?.position(startWallTime: startWallTime, duration: duration) ?? 0
    let to = try options.to?.position(startWallTime: startWallTime, duration: duration) ?? .max
    guard from <= to else { throw .impossible("the end of the passage lies before its beginning") }
    guard reader.isSeekable || options.passes == 1 else {
      throw .impossible("a capture that comes through a pipe cannot be played twice")
    }

    plan = ReplayPlan(
      range: from..<to, passes: options.passes, longestGap: options.longestGap,
      selection: MessageSelection(connection: options.connection))
    clock = ReplayClock(speed: options.speed)
    self.startWallTime = startWallTime
    self.duration = duration
    self.reader = reader
    self.output = output
  }

  private static func naming<Result: ~Copyable>(
    _ body: () throws(CaptureError) -> Result
  ) throws(PlayerError) -> Result {
    do { return try body() } catch { throw .capture(error) }
  }

  /// Plays everything, on the calling thread.
  package consuming func play(as formatter: any MessageFormatter) -> Playback {
    var replayer = Replayer(
      source: CaptureMessages(reader), sink: FormatterSink(formatter, to: output), clock: clock,
      plan: plan, progress: progress)
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
        ending: source.reader.ending)
    }
  }
}

extension PlayerOptions {
  fileprivate var needsDuration: Bool {
    for case .share in [from, to] { return true }
    return wantsDuration
  }
}

extension PointInTime {
  /// The position in a recording that began at `startWallTime`.
  fileprivate func position(startWallTime: Int64, duration: Int64?) throws(PlayerError) -> Int64 {
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

extension CaptureReader {
  /// Opens a capture; where it comes through a pipe, `output` is flushed before waiting for more.
  package static func open(
    _ path: String, flushing output: DescriptorOutput
  ) throws(CaptureError) -> CaptureReader {
    guard path == "-" else { return try open(path) }
    // An output that fails now fails again at its next flush, where somebody hears of it.
    let source = PatientSource(try LocalFile.reading(path)) { try? output.flush() }
    return try open(source, name: path)
  }

  /// The offset of the last message. Goes back to the start.
  fileprivate mutating func measure() throws(CaptureError) -> Int64 {
    if let duration = try loadMap().duration { return duration }
    do throws(CaptureError) {
      // Nothing is that late: this goes through the last block to its end.
      try seek(toOffset: .max)
      while try advance() {}
    } catch {
      // What is damaged there will be met again when it is played; this far it is known.
    }
    let last = offset
    try seek(toOffset: 0)
    return last
  }
}

/// A capture as the replayer sees it.
struct CaptureMessages: MessageSource, ~Copyable {
  fileprivate var reader: CaptureReader

  init(_ reader: consuming CaptureReader) { self.reader = reader }

  @_lifetime(&self)
  mutating func next() throws(CaptureError) -> PlacedMessage? {
    guard try reader.advance() else { return nil }
    return PlacedMessage(reader.current, position: reader.offset)
  }

  mutating func seek(to position: Int64) throws(CaptureError) {
    try reader.seek(toOffset: position)
  }
}
