internal import MWCCore

/// Why a replay ended early, by the side that failed.
package enum ReplayError<SourceFailure: Error, SinkFailure: Error>: Error {
  /// The recording cannot be read further. All before it was delivered.
  case source(SourceFailure)
  /// The sink takes no more.
  case sink(SinkFailure)
}

/// How a replay ended.
package enum ReplayEnd: Hashable, Sendable {
  /// Everything was played.
  case finished
  /// The clock was stopped.
  case stopped
}

/// What of a recording is played, and how often.
package struct ReplayPlan: Sendable {
  /// Positions: nanoseconds from the first message of the recording. The end is not played.
  package var range: Range<Int64>
  /// How often; nil: until stopped.
  package var passes: Int?
  /// Silences are shortened to this many nanoseconds of recorded time; nil: played in full.
  package var longestGap: Int64?
  package var selection: MessageSelection
  /// Whether statistics count the bytes of payloads, which may have to be put together for that.
  package var countsBytes: Bool

  package init(
    range: Range<Int64> = 0..<Int64.max, passes: Int? = 1, longestGap: Int64? = nil,
    selection: MessageSelection = MessageSelection(), countsBytes: Bool = true
  ) {
    precondition(passes ?? 1 >= 0 && longestGap ?? 0 >= 0, "counts are not negative")
    self.range = range
    self.passes = passes
    self.longestGap = longestGap
    self.selection = selection
    self.countsBytes = countsBytes
  }
}

/// Lets other threads look at a replay while it runs.
package final class ReplayProgress: Sendable {
  private let published = Guarded(ReplayStatistics())

  package init() {}

  /// The latest state; at most a tenth of a second old while messages flow.
  package var statistics: ReplayStatistics { published.withLock { $0 } }

  fileprivate func publish(_ statistics: ReplayStatistics) {
    published.withLock { $0 = statistics }
  }
}

/// Reads messages, waits until each is due, and delivers it: source, clock, sink.
///
/// The order is that of the recording whatever the speed. Messages that are due together go to the
/// sink together; it is flushed before the clock waits, so that everything delivered is also visible,
/// and nothing is flushed one by one while there is more to do.
///
/// A pass begins with its first message at once. The next pass follows the last message at once, and
/// its deadlines continue the same row: a thousand passes drift no more than one.
package struct Replayer<Source: MessageSource & ~Copyable, Sink: MessageSink & ~Copyable>:
  ~Copyable
{
  package typealias Failure = ReplayError<Source.Failure, Sink.Failure>

  private var source: Source
  private var stage: Stage<Sink>
  private let plan: ReplayPlan

  package init(
    source: consuming Source, sink: consuming Sink, clock: ReplayClock,
    plan: ReplayPlan = ReplayPlan(), progress: ReplayProgress? = nil
  ) {
    stage = Stage(
      sink: sink, clock: clock, longestGap: plan.longestGap, countsBytes: plan.countsBytes,
      progress: progress)
    self.source = source
    self.plan = plan
  }

  package var statistics: ReplayStatistics { stage.statistics }

  /// Lets `body` look at the source and the sink, after `run`.
  package mutating func withEnds<Result>(_ body: (inout Source, inout Sink) -> Result) -> Result {
    body(&source, &stage.sink)
  }

  /// Plays until the end, or until the clock is stopped. Blocks the calling thread.
  package mutating func run() throws(Failure) -> ReplayEnd {
    stage.clock.prepareThread()
    defer { stage.finish() }
    let end: ReplayEnd
    do {
      end = try playPasses()
    } catch {
      // What was delivered before the recording broke off still has to be seen.
      if case .source = error { try flush() }
      throw error
    }
    try flush()
    return end
  }

  private mutating func playPasses() throws(Failure) -> ReplayEnd {
    var passes = 0
    var start = plan.range.lowerBound
    // A source stands at its beginning; a pipe cannot be told to go there.
    var isAtStart = start <= 0
    while plan.passes.map({ passes < $0 }) ?? true {
      let before = stage.statistics.messages
      if !isAtStart { try seek(to: start) }
      isAtStart = false
      switch try playPass() {
      case .ended:
        // An endless row of nothing is over.
        if stage.statistics.messages == before, plan.passes == nil { return .finished }
        passes += 1
        start = plan.range.lowerBound
      case .moved(let destination):
        stage.breakOff()
        start = max(destination, 0)
      case .stopped:
        return .stopped
      }
    }
    return .finished
  }

  private mutating func playPass() throws(Failure) -> PassEnd {
    var startsPass = true
    while true {
      let next: PlacedMessage?
      do { next = try source.next() } catch { throw .source(error) }
      // A source that follows a recording ends when it is told to.
      guard let next else { return stage.clock.isStopped ? .stopped : .ended }
      guard plan.selection.accepts(next.message) else { continue }
      guard next.position < plan.range.upperBound else { return .ended }
      let position = stage.place(next.position, startsPass: startsPass)
      startsPass = false
      do {
        if let end = try stage.play(next.message, at: position) { return end }
      } catch {
        throw .sink(error)
      }
    }
  }

  private mutating func seek(to position: Int64) throws(Failure) {
    do { try source.seek(to: position) } catch { throw .source(error) }
  }

  private mutating func flush() throws(Failure) {
    do { try stage.sink.flush() } catch { throw .sink(error) }
  }
}

/// Why a pass through the recording ended.
private enum PassEnd {
  case ended
  case moved(Int64)
  case stopped
}

/// The half of a replay behind the source: it may change while a message of the source is looked at.
private struct Stage<Sink: MessageSink & ~Copyable>: ~Copyable {
  var sink: Sink
  let clock: ReplayClock
  let longestGap: Int64?
  let countsBytes: Bool
  let progress: ReplayProgress?
  var statistics = ReplayStatistics()
  /// Position of the last message that was placed on the clock; nil: the next one starts the clock.
  private var lastPosition: Int64?
  /// From there to the message that is placed now, without what was cut out.
  private var distance: Int64 = 0
  private var nextPublication = Int64.min

  init(
    sink: consuming Sink, clock: ReplayClock, longestGap: Int64?, countsBytes: Bool,
    progress: ReplayProgress?
  ) {
    self.sink = sink
    self.clock = clock
    self.longestGap = longestGap
    self.countsBytes = countsBytes
    self.progress = progress
  }

  /// How often other threads see news, in nanoseconds.
  private static var publicationInterval: Int64 { 100_000_000 }
  /// Where no message waits for the time, messages between two looks at it.
  private static var messagesPerLook: UInt64 { 4096 }

  /// Tells the clock how far the next message is from the one before. Returns its position, which
  /// never goes back within a pass: order is worth more than a time.
  mutating func place(_ position: Int64, startsPass: Bool) -> Int64 {
    guard let last = lastPosition else {
      clock.begin(at: position)
      lastPosition = position
      return position
    }
    let position = startsPass ? position : max(position, last)
    distance = startsPass ? 0 : min(position - last, longestGap ?? .max)
    if startsPass || position - last > distance {
      clock.splice(from: last.addingClamped(distance), to: position)
    }
    lastPosition = position
    return position
  }

  /// Waits for `position` and delivers `message`; nil: go on with the next.
  mutating func play(_ message: Message, at position: Int64) throws(Sink.Failure) -> PassEnd? {
    var outcome = clock.check(position)
    if outcome == nil {
      try sink.flush()
      outcome = clock.sleep(until: position)
    }
    switch outcome {
    case .due(let lateness):
      try sink.deliver(message)
      statistics.countMessage(
        bytes: countsBytes ? message.payload.byteCount : 0, position: position, played: distance,
        lateness: lateness)
      if !clock.isRunningFree || statistics.messages % Self.messagesPerLook == 1 {
        look(at: clock.playingTime)
      }
      return nil
    case .moved(let destination): return .moved(destination)
    case .stopped, nil: return .stopped
    }
  }

  /// The next message has nothing to do with the last one.
  mutating func breakOff() {
    lastPosition = nil
    distance = 0
  }

  /// Notes the time, and shows other threads the news when they are due some.
  private mutating func look(at now: Int64) {
    statistics.countDelivery(at: now)
    guard let progress, now >= nextPublication else { return }
    nextPublication = now.addingClamped(Self.publicationInterval)
    progress.publish(statistics)
  }

  /// To be called when everything has been flushed.
  mutating func finish() {
    // At other speeds every delivery was noted, and a wait that was broken off does not count.
    if statistics.messages > 0, clock.speed == .max {
      statistics.countDelivery(at: clock.playingTime)
    }
    progress?.publish(statistics)
  }
}
