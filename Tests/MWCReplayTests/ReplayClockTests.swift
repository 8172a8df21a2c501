import MWCCore
import MWCReplay
import MWCTestSupport
import Testing

@Suite struct ReplayClockTests {
  private let start: Int64 = 1_000_000_000

  @Test(arguments: [0.25, 0.5, 1, 3, 10, 1000])
  func deadlinesAreAbsoluteAtEveryRate(rate: Double) {
    let time = ManualClock(now: start)
    let clock = ReplayClock(speed: .times(rate), time: time)
    clock.begin(at: 500)
    for second in 1...5 as ClosedRange<Int64> {
      #expect(clock.sleep(until: 500 + second * 1_000_000_000) == .due(lateness: 0))
    }
    #expect(
      time.deadlines == (1...5).map { start + Int64((Double($0) * 1e9 / rate).rounded()) })
  }

  @Test func lateWakeUpsDelayNobodyElse() {
    let time = ManualClock(now: start, overshoot: { $0 == 1 ? 1_500_000_000 : 0 })
    let clock = ReplayClock(speed: .times(1), time: time)
    clock.begin(at: 0)
    var lateness: [ReplayClock.Outcome] = []
    for second in 1...4 as ClosedRange<Int64> {
      lateness.append(clock.sleep(until: second * 1_000_000_000))
    }
    // The second sleep ends 1.5 s late; the third message is due already; the fourth is on time.
    #expect(
      lateness == [
        .due(lateness: 0), .due(lateness: 1_500_000_000), .due(lateness: 500_000_000),
        .due(lateness: 0),
      ])
    #expect(time.deadlines == [1, 2, 4].map { start + $0 * 1_000_000_000 })
  }

  @Test func maxNeverSleeps() {
    let time = ManualClock(now: start)
    let clock = ReplayClock(speed: .max, time: time)
    clock.begin(at: 0)
    #expect(clock.check(3_600_000_000_000) == .due(lateness: nil))
    #expect(clock.sleep(until: Int64.max) == .due(lateness: nil))
    #expect(time.deadlines.isEmpty)
  }

  @Test func aChangeOfRateContinuesWhereItIs() {
    // Two seconds in, the speed goes from 1x to 4x.
    let clock = Late<ReplayClock>()
    defer { clock.clear() }
    let time = ManualClock(
      now: start,
      onSleep: { sleep, time in
        guard sleep == 0 else { return }
        time.advance(by: 2_000_000_000)
        clock.value.setSpeed(.times(4))
      })
    clock.value = ReplayClock(speed: .times(1), time: time)
    clock.value.begin(at: 0)
    #expect(clock.value.sleep(until: 10_000_000_000) == .due(lateness: 0))
    #expect(time.deadlines == [start + 10_000_000_000, start + 4_000_000_000])
    #expect(clock.value.position == 10_000_000_000)
  }

  @Test func aPauseHoldsAndResumeGoesOnFromThere() {
    let clock = Late<ReplayClock>()
    defer { clock.clear() }
    let time = ManualClock(
      now: start,
      onSleep: { sleep, time in
        switch sleep {
        case 0:
          time.advance(by: 1_000_000_000)
          clock.value.pause()
        case 1:
          #expect(clock.value.isPaused)
          time.advance(by: 60_000_000_000)
          #expect(clock.value.position == 1_000_000_000)
          clock.value.resume()
        default: break
        }
      })
    clock.value = ReplayClock(speed: .times(1), time: time)
    clock.value.begin(at: 0)
    #expect(clock.value.sleep(until: 3_000_000_000) == .due(lateness: 0))
    #expect(time.deadlines == [start + 3_000_000_000, nil, start + 63_000_000_000])
    #expect(clock.value.playingTime == start + 3_000_000_000)
  }

  @Test func aPauseAtMaxHoldsToo() {
    let clock = Late<ReplayClock>()
    defer { clock.clear() }
    let time = ManualClock(now: start, onSleep: { _, _ in clock.value.resume() })
    clock.value = ReplayClock(speed: .max, time: time)
    clock.value.begin(at: 0)
    clock.value.pause()
    #expect(!clock.value.isRunningFree)
    #expect(clock.value.check(1) == nil)
    #expect(clock.value.sleep(until: 1) == .due(lateness: nil))
    #expect(clock.value.isRunningFree)
    #expect(time.deadlines == [nil])
  }

  @Test func afterMaxTheNextMessageStartsTheClock() {
    let time = ManualClock(now: start)
    let clock = ReplayClock(speed: .max, time: time)
    clock.begin(at: 0)
    #expect(clock.check(50_000_000_000) == .due(lateness: nil))
    clock.setSpeed(.times(2))
    #expect(clock.sleep(until: 60_000_000_000) == .due(lateness: 0))
    #expect(time.now == start)
    #expect(clock.sleep(until: 64_000_000_000) == .due(lateness: 0))
    #expect(time.now == start + 2_000_000_000)
  }

  @Test func stepsLetOneMessagePassEach() {
    let clock = Late<ReplayClock>()
    defer { clock.clear() }
    let time = ManualClock(now: start, onSleep: { _, _ in clock.value.step() })
    clock.value = ReplayClock(speed: .step, time: time)
    clock.value.begin(at: 0)
    clock.value.step()
    #expect(clock.value.check(0) == .due(lateness: nil))
    #expect(clock.value.check(7) == nil)
    #expect(clock.value.sleep(until: 7) == .due(lateness: nil))
    #expect(clock.value.position == 7)
    #expect(time.deadlines == [nil])
  }

  @Test func aSpliceCutsTimeOutAndMovesNoDeadline() {
    // A sleep that ends late just before the cut must not push what comes after it.
    let time = ManualClock(now: start, overshoot: { $0 == 0 ? 300 : 0 })
    let clock = ReplayClock(speed: .times(2), time: time)
    clock.begin(at: 0)
    #expect(clock.sleep(until: 1_000_000) == .due(lateness: 300))
    clock.splice(from: 3_000_000, to: 9_000_000_000)
    #expect(clock.sleep(until: 9_000_000_000) == .due(lateness: 0))
    #expect(time.deadlines == [start + 500_000, start + 1_500_000])
  }

  @Test func aSeekWakesTheSleeper() {
    let clock = Late<ReplayClock>()
    defer { clock.clear() }
    let time = ManualClock(now: start, onSleep: { _, _ in clock.value.seek(to: 42) })
    clock.value = ReplayClock(time: time)
    clock.value.begin(at: 0)
    #expect(clock.value.sleep(until: 1_000_000_000) == .moved(to: 42))
    #expect(time.now == start)
    clock.value.begin(at: 50)
    #expect(clock.value.check(50) == .due(lateness: 0))
  }

  @Test func aStopWinsOverEverything() {
    let clock = ReplayClock(speed: .max, time: ManualClock())
    clock.seek(to: 1)
    clock.step()
    clock.pause()
    clock.stop()
    #expect(clock.check(0) == .stopped)
    #expect(clock.sleep(until: 0) == .stopped)
  }

  /// Whatever is done to it, the clock is where adding up time and rate step by step would be.
  @Test func anyRowOfControlsKeepsThePosition() {
    var random = TestSupport.generator(for: "ReplayClock")
    let time = ManualClock(now: start)
    let clock = ReplayClock(speed: .times(1), time: time)
    clock.begin(at: 0)
    var expected = 0.0
    var rate = 1.0
    var isPaused = false
    for operation in 1...2_000 {
      let step = Int64.random(in: 0...5_000_000_000, using: &random)
      time.advance(by: step)
      expected += isPaused ? 0 : Double(step) * rate
      switch Int.random(in: 0..<5, using: &random) {
      case 0:
        rate = [0.1, 0.5, 1, 3, 10].randomElement(using: &random) ?? 1
        clock.setSpeed(.times(rate))
      case 1:
        isPaused = true
        clock.pause()
      case 2:
        isPaused = false
        clock.resume()
      case 3:
        let cut = Int64.random(in: 0...1_000_000_000, using: &random)
        clock.splice(from: 0, to: cut)
        expected += Double(cut)
      default:
        // What lies behind is due, what lies before is not.
        #expect((clock.check(clock.position - 1) == nil) == isPaused)
        #expect(clock.check(clock.position + 20) == nil)
      }
      // A change of rate or a pause rounds to a nanosecond.
      #expect(abs(Double(clock.position) - expected) <= Double(operation) + 1)
    }
  }

  @Test func extremePositionsDoNotTrap() {
    let clock = ReplayClock(speed: .times(0.001), time: ManualClock())
    clock.begin(at: .max)
    clock.splice(from: .max, to: 0)
    clock.splice(from: .max, to: 0)
    #expect(clock.sleep(until: .max) == .due(lateness: 0))
  }

  @Test func refusesAnImpossibleRate() async {
    await #expect(processExitsWith: .failure) { _ = ReplayClock(speed: .times(-1)) }
    await #expect(processExitsWith: .failure) { _ = ReplayClock(speed: .times(.infinity)) }
  }
}

@Suite struct SystemTimeSourceTests {
  @Test func neverReturnsBeforeTheDeadline() {
    for spin in [0, 50_000, 10_000_000] as [Int64] {
      let time = SystemTimeSource(spinNanoseconds: spin)
      time.prepareThread()
      for _ in 0..<20 {
        let deadline = time.now + 500_000
        time.sleep(until: deadline)
        #expect(time.now >= deadline)
      }
    }
  }

  @Test func aDeadlineInThePastReturnsAtOnce() {
    let time = SystemTimeSource()
    time.sleep(until: time.now - 1)
    time.sleep(until: 0)
  }

  @Test func aWakeBeforeTheSleepIsNotLost() {
    let time = SystemTimeSource()
    time.wake()
    time.sleep(until: nil)
  }

  @Test func aStopFromAnotherThreadEndsALongSleep() async {
    let clock = ReplayClock(speed: .times(1))
    clock.begin(at: 0)
    async let outcome = Task.detached { clock.sleep(until: .max) }.value
    clock.stop()
    #expect(await outcome == .stopped)
  }
}

/// A value that is set after the closures that use it were made.
final class Late<Value: Sendable>: Sendable {
  private let stored = Guarded<Value?>(nil)

  var value: Value {
    get {
      guard let value = stored.withLock({ $0 }) else { preconditionFailure("not set yet") }
      return value
    }
    set { stored.withLock { $0 = newValue } }
  }

  /// Lets the value go: closures that it holds hold this, and none of them would ever end.
  func clear() { stored.withLock { $0 = nil } }
}
