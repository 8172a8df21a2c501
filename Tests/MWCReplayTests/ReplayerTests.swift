import Histogram
import MWCCore
import MWCReplay
import MWCTestSupport
import Testing

@Suite struct ReplayTimingTests {
  @Test(arguments: [(1.0, 1.0), (10, 0.1), (0.25, 4)])
  func messagesComeWhenTheRateSays(rate: Double, factor: Double) throws {
    let offsets: [Int64] = [0, 10, 10, 35, 1_000]
    let (sink, statistics, end) = try play(
      ArraySource(milliseconds: offsets), speed: .times(rate))
    #expect(end == .finished)
    #expect(sink.texts == ["m0", "m1", "m2", "m3", "m4"])
    #expect(sink.milliseconds == offsets.map { Double($0) * factor })
    #expect(statistics.playedNanoseconds == 1_000_000_000)
    #expect(statistics.achievedSpeed == rate)
    #expect(statistics.messages == 5)
    #expect(statistics.bytes == 10)
    #expect(statistics.position == 1_000_000_000)
  }

  @Test func everythingIsFlushedBeforeAWaitAndNothingInBetween() throws {
    let (sink, _, _) = try play(ArraySource(milliseconds: [0, 0, 0, 5, 5, 9]))
    // Two waits and the end.
    #expect(sink.flushes == 3)
    #expect(sink.largestFlush == 3)
    #expect(sink.unflushed == 0)
  }

  @Test func maxFlushesOnceAndKeepsTheOrder() throws {
    let source = ArraySource(count: 10_000) { Recorded(at: Int64($0) * 1_000_000, text: "\($0)") }
    let time = ManualClock()
    let (sink, statistics, _) = try play(source, speed: .max, time: time)
    #expect(sink.texts == (0..<10_000).map(String.init))
    #expect(sink.flushes == 1)
    #expect(time.deadlines.isEmpty)
    #expect(statistics.lateness.totalCount == 0)
    #expect(statistics.playedNanoseconds == 9_999_000_000)
  }

  @Test func aMillionMessagesDoNotDrift() throws {
    // 1 ms apart at 3x: no deadline is a whole nanosecond, and every sleep ends up to 200 µs late.
    let count = 1_000_000
    let time = ManualClock(now: 0, overshoot: { Int64($0 * 7919 % 200_000) })
    let source = ArraySource(count: count) { Recorded(at: Int64($0) * 1_000_000, text: "x") }
    let sink = RecordingSink(time, keepsTexts: false)
    var replayer = Replayer(
      source: source, sink: sink, clock: ReplayClock(speed: .times(3), time: time))
    #expect(try replayer.run() == .finished)
    let deadlines = time.deadlines
    #expect(deadlines.count == count - 1)
    let wrong = deadlines.indices.filter { index in
      deadlines[index] != Int64((Double(index + 1) * 1e6 / 3).rounded())
    }
    #expect(wrong.isEmpty)
    #expect(replayer.statistics.lateness.totalCount == UInt64(count))
    #expect(replayer.statistics.lateness.max < 201_000)
    let speed = try #require(replayer.statistics.achievedSpeed)
    #expect(abs(speed - 3) < 0.00001)
  }

  @Test func latenessIsWhatTheMessagesHad() throws {
    let time = ManualClock(overshoot: { $0 == 1 ? 7_000_000 : 1_000 })
    let (_, statistics, _) = try play(
      ArraySource(milliseconds: [0, 10, 20, 25, 40]), time: time)
    // Late by 0, 1 µs, 7 ms, 2 ms (due while the one before was late) and 1 µs.
    #expect(statistics.lateness.totalCount == 5)
    #expect(statistics.lateness.valuesAreEquivalent(statistics.lateness.max, 7_000_000))
    #expect(statistics.lateness.count(within: 1_990_000...2_010_000) == 1)
    #expect(statistics.lateness.count(within: 990...1_010) == 2)
  }

  @Test func timesThatGoBackKeepTheOrder() throws {
    let (sink, _, _) = try play(ArraySource(milliseconds: [0, 20, 10, 30]))
    #expect(sink.texts == ["m0", "m1", "m2", "m3"])
    #expect(sink.milliseconds == [0, 20, 20, 30])
  }

  @Test func nothingIsAReplayToo() throws {
    let (sink, statistics, end) = try play(ArraySource([]))
    #expect(end == .finished)
    #expect(sink.flushes == 1)
    #expect(statistics.achievedSpeed == nil)
    #expect(statistics.messagesPerSecond == nil)
  }

  /// With real time, and independent of how busy the machine is: what counts is which instants were
  /// asked for, and that no message came before its own.
  @Test func theRealClockIsAskedForExactInstants() throws {
    let time = ObservedTime()
    let source = ArraySource(count: 1_000) { Recorded(at: Int64($0) * 1_000_000, text: "x") }
    let sink = RecordingSink(time)
    var replayer = Replayer(
      source: source, sink: sink, clock: ReplayClock(speed: .times(10), time: time))
    #expect(try replayer.run() == .finished)
    #expect(replayer.statistics.lateness.totalCount == 1_000)
    // A message is due every 100 µs; those that are due while another is late need no sleep.
    let start = try #require(time.start)
    #expect(time.deadlines.allSatisfy { $0 > start && ($0 - start) % 100_000 == 0 })
    #expect(sink.times.indices.allSatisfy { sink.times[$0] >= start + Int64($0) * 100_000 })
    #expect(replayer.statistics.playedNanoseconds == 999_000_000)
  }
}

/// The system's time, and what was asked of it.
private final class ObservedTime: TimeSource {
  private let system = SystemTimeSource()
  private let asked = Guarded<[Int64]>([])
  private let firstLook = Guarded<Int64?>(nil)

  var deadlines: [Int64] { asked.withLock { $0 } }
  /// The first time anybody wanted to know: the instant to which the clock pins the first message.
  var start: Int64? { firstLook.withLock { $0 } }
  var now: Int64 {
    let now = system.now
    firstLook.withLock { $0 = $0 ?? now }
    return now
  }
  func sleep(until deadline: Int64?) {
    asked.withLock { $0.append(deadline ?? -1) }
    system.sleep(until: deadline)
  }
  func wake() { system.wake() }
  func prepareThread() { system.prepareThread() }
}

@Suite struct ReplayRangeTests {
  private let offsets: [Int64] = [0, 10, 20, 30, 40]

  @Test func fromAndToChooseAPassage() throws {
    let (sink, _, _) = try play(
      ArraySource(milliseconds: offsets),
      plan: ReplayPlan(range: 10_000_000..<40_000_000))
    #expect(sink.texts == ["m1", "m2", "m3"])
    // It begins at once: what lies before is not waited for.
    #expect(sink.milliseconds == [0, 10, 20])
  }

  @Test func fromBehindTheEndPlaysNothing() throws {
    let (sink, _, end) = try play(
      ArraySource(milliseconds: offsets), plan: ReplayPlan(range: 41_000_000..<Int64.max))
    #expect(sink.texts.isEmpty)
    #expect(end == .finished)
  }

  @Test func selectionLeavesOutOthersAndEvents() throws {
    let source = ArraySource([
      Recorded(at: 0, text: "{}", kind: .opened),
      Recorded(at: 1, text: "a1"),
      Recorded(at: 2, text: "b1", connection: 2),
      Recorded(at: 3, text: "sent", direction: .sent),
      Recorded(at: 4, text: "ping", kind: .ping),
      Recorded(at: 5, text: "a2", kind: .binary),
    ])
    func texts(_ selection: MessageSelection) throws -> [String] {
      try play(source, plan: ReplayPlan(selection: selection)).sink.texts
    }
    #expect(try texts(MessageSelection()) == ["a1", "b1", "a2"])
    #expect(try texts(MessageSelection(connection: 2)) == ["b1"])
    #expect(try texts(MessageSelection(includesSent: true)) == ["a1", "b1", "sent", "a2"])
    #expect(
      try texts(MessageSelection(connection: 1, includesEvents: true))
        == ["{}", "a1", "ping", "a2"])
  }

  @Test func aSeekWhilePlayingGoesThere() throws {
    let clock = Late<ReplayClock>()
    defer { clock.clear() }
    // While m1 is waited for, somebody jumps forward; while m4 is waited for, back to the start.
    let time = ManualClock(onSleep: { sleep, _ in
      if sleep == 0 { clock.value.seek(to: 30_000_000) }
      if sleep == 1 { clock.value.seek(to: 0) }
    })
    clock.value = ReplayClock(time: time)
    let seeks = Guarded<[Int64]>([])
    var source = ArraySource(milliseconds: offsets)
    source.onSeek = { position in seeks.withLock { $0.append(position) } }
    let sink = RecordingSink(time)
    var replayer = Replayer(source: source, sink: sink, clock: clock.value)
    #expect(try replayer.run() == .finished)
    #expect(sink.texts == ["m0", "m3", "m0", "m1", "m2", "m3", "m4"])
    #expect(sink.milliseconds == [0, 0, 0, 10, 20, 30, 40])
    #expect(seeks.withLock { $0 } == [30_000_000, 0])
    #expect(replayer.statistics.playedNanoseconds == 40_000_000)
  }
}

@Suite struct ReplayLoopTests {
  @Test func passesFollowEachOtherInOneRow() throws {
    // Sleeps end 3 µs late, and still the third pass is on the same schedule.
    let time = ManualClock(now: 0, overshoot: { _ in 3_000 })
    let (sink, statistics, end) = try play(
      ArraySource(milliseconds: [0, 10, 30]), plan: ReplayPlan(passes: 3), time: time)
    #expect(end == .finished)
    #expect(sink.texts == ["m0", "m1", "m2", "m0", "m1", "m2", "m0", "m1", "m2"])
    #expect(
      time.deadlines == [10, 30, 40, 60, 70, 90].map { $0 * 1_000_000 })
    #expect(statistics.playedNanoseconds == 90_000_000)
  }

  @Test func passesRepeatOnlyTheChosenPassage() throws {
    let (sink, _, _) = try play(
      ArraySource(milliseconds: [0, 10, 20, 30]), speed: .max,
      plan: ReplayPlan(range: 10_000_000..<30_000_000, passes: 2))
    #expect(sink.texts == ["m1", "m2", "m1", "m2"])
  }

  @Test func anEndlessLoopOfNothingEnds() throws {
    let plan = ReplayPlan(passes: nil, selection: MessageSelection(connection: 9))
    #expect(try play(ArraySource(milliseconds: [0, 1]), plan: plan).end == .finished)
  }

  @Test(arguments: [PlaybackSpeed.max, .times(1)])
  func anEndlessLoopEndsWhenStopped(speed: PlaybackSpeed) throws {
    let time = ManualClock()
    let clock = ReplayClock(speed: speed, time: time)
    let sink = RecordingSink(time, onDelivery: { if $0 == 100_000 { clock.stop() } })
    var replayer = Replayer(
      source: ArraySource(milliseconds: [0, 1, 2]), sink: sink, clock: clock,
      plan: ReplayPlan(passes: nil))
    #expect(try replayer.run() == .stopped)
    #expect(sink.times.count == 100_000)
    #expect(sink.unflushed == 0)
  }

  @Test func noPassesPlayNothing() throws {
    let (sink, _, _) = try play(
      ArraySource(milliseconds: [0, 1]), plan: ReplayPlan(passes: 0))
    #expect(sink.texts.isEmpty)
  }
}

@Suite struct ReplayMaxGapTests {
  @Test func silencesAreShortenedInRecordedTime() throws {
    let (sink, statistics, _) = try play(
      ArraySource(milliseconds: [0, 100, 60_100, 60_200, 160_200]), speed: .times(2),
      plan: ReplayPlan(longestGap: 1_000_000_000))
    #expect(sink.milliseconds == [0, 50, 550, 600, 1_100])
    #expect(statistics.playedNanoseconds == 2_200_000_000)
    // Positions stay those of the recording.
    #expect(statistics.position == 160_200_000_000)
  }

  @Test func aGapOfZeroLeavesNoSilence() throws {
    let (sink, _, _) = try play(
      ArraySource(milliseconds: [0, 100, 5_000]), plan: ReplayPlan(longestGap: 0))
    #expect(sink.milliseconds == [0, 0, 0])
  }
}

@Suite struct ReplayStepTests {
  @Test func eachStepPlaysOneMessage() throws {
    let clock = Late<ReplayClock>()
    defer { clock.clear() }
    let seen = Late<RecordingSink>()
    defer { seen.clear() }
    let counts = Guarded<[Int]>([])
    let time = ManualClock(onSleep: { sleep, _ in
      counts.withLock { $0.append(seen.value.times.count) }
      if sleep < 3 { clock.value.step() } else { clock.value.stop() }
    })
    clock.value = ReplayClock(speed: .step, time: time)
    seen.value = RecordingSink(time)
    var replayer = Replayer(
      source: ArraySource(milliseconds: [0, 10, 20, 30, 40]), sink: seen.value, clock: clock.value)
    #expect(try replayer.run() == .stopped)
    #expect(counts.withLock { $0 } == [0, 1, 2, 3])
    #expect(seen.value.texts == ["m0", "m1", "m2"])
  }
}

@Suite struct ReplayFailureTests {
  @Test func whatWasReadBeforeTheDamageIsPlayedAndFlushed() throws {
    let time = ManualClock()
    let sink = RecordingSink(time)
    var replayer = Replayer(
      source: ArraySource(
        [Recorded(at: 0, text: "a"), Recorded(at: 1, text: "b"), Recorded(at: 2, text: "c")],
        failsAt: 2),
      sink: sink, clock: ReplayClock(time: time))
    #expect { try replayer.run() } throws: { error in
      if case .source(let broken) = error as? ReplayError<ArraySource.Broken, RecordingSink.Full> {
        return broken == ArraySource.Broken()
      }
      return false
    }
    #expect(sink.texts == ["a", "b"])
    #expect(sink.unflushed == 0)
    #expect(replayer.statistics.messages == 2)
  }

  @Test func aSinkThatFailsEndsTheReplay() throws {
    let time = ManualClock()
    var replayer = Replayer(
      source: ArraySource(milliseconds: [0, 1, 2]), sink: RecordingSink(time, failsAt: 1),
      clock: ReplayClock(time: time))
    #expect { try replayer.run() } throws: { error in
      if case .sink = error as? ReplayError<ArraySource.Broken, RecordingSink.Full> { return true }
      return false
    }
    #expect(replayer.statistics.messages == 1)
  }
}

@Suite struct ReplayProgressTests {
  @Test func othersSeeTheStateWhileItPlays() throws {
    let progress = ReplayProgress()
    let seen = Guarded<[UInt64]>([])
    let time = ManualClock(onSleep: { _, _ in
      seen.withLock { $0.append(progress.statistics.messages) }
    })
    var replayer = Replayer(
      source: ArraySource(milliseconds: [0, 200, 400, 401, 402]), sink: RecordingSink(time),
      clock: ReplayClock(time: time), progress: progress)
    #expect(try replayer.run() == .finished)
    // News at most every tenth of a second; the end is always told.
    #expect(seen.withLock { $0 } == [1, 2, 3, 3])
    #expect(progress.statistics.messages == 5)
  }
}
