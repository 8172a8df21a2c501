import Testing

@testable import MWC

/// When files begin, by clocks that are told by hand.
@Suite struct RotationScheduleTests {
  private let second: Int64 = 1_000_000_000
  private var hour: Int64 { 3600 * second }

  /// Every moment at which a file begins, looking every minute; wall and monotonic go alike.
  private func begins(
    _ schedule: RotationSchedule, from start: Int64, until end: Int64
  ) -> [Int64] {
    var schedule = schedule
    var begins: [Int64] = []
    schedule.begin(wall: start, monotonic: start)
    for now in stride(from: start, to: end, by: Int(60 * second)) {
      schedule.noteClock(wall: now)
      guard schedule.isDue(wall: now, monotonic: now) else { continue }
      begins.append(now)
      schedule.begin(wall: now, monotonic: now)
    }
    return begins
  }

  @Test func withoutAnIntervalNothingIsEverDue() {
    var schedule = RotationSchedule(interval: nil)
    schedule.begin(wall: 0, monotonic: 0)
    #expect(!schedule.isDue(wall: .max - 1, monotonic: .max - 1))
  }

  @Test func hoursBeginAtFullHours() {
    let schedule = RotationSchedule(interval: hour) { _ in 0 }
    #expect(begins(schedule, from: 5 * 60 * second, until: 3 * hour) == [hour, 2 * hour])
  }

  @Test func localTimeCounts() {
    // Half an hour off, as in India.
    let schedule = RotationSchedule(interval: hour) { _ in 19_800 }
    #expect(begins(schedule, from: 0, until: 2 * hour) == [hour / 2, hour / 2 + hour])
    let west = RotationSchedule(interval: 24 * hour) { _ in -5 * 3600 }
    #expect(begins(west, from: 0, until: 30 * hour) == [5 * hour, 29 * hour])
  }

  /// Days of 23 and of 25 hours begin at midnight, too; the hours around the change are whole.
  @Test(arguments: [(2, 3600, 7200), (3, 7200, 3600)])
  func summerTime(_ changeHour: Int64, _ before: Int32, _ after: Int32) {
    let change = 24 * hour + changeHour * hour - Int64(before) * second
    let offset = { (time: Int64) in time < change ? before : after }
    let midnights = (1...3).map { day in
      Int64(day) * 24 * hour - Int64(day == 1 ? before : after) * second
    }
    let days = RotationSchedule(interval: 24 * hour, utcOffset: offset)
    #expect(begins(days, from: hour, until: 73 * hour) == midnights)
    let hours = begins(
      RotationSchedule(interval: hour, utcOffset: offset), from: 20 * hour + second,
      until: 40 * hour)
    // Looked at every minute and a second after it.
    #expect(hours == (21..<40).map { Int64($0) * hour + second })
  }

  @Test func otherIntervalsCountFromTheStart() {
    for interval in [7 * 60 * second, 25 * hour] {
      let schedule = RotationSchedule(interval: interval) { _ in 0 }
      let start = 123 * 60 * second
      #expect(
        begins(schedule, from: start, until: start + 3 * interval)
          == [start + interval, start + 2 * interval])
    }
  }

  @Test func filesInBetweenDoNotMoveTheIntervals() {
    var schedule = RotationSchedule(interval: 7 * second) { _ in 0 }
    schedule.begin(wall: 0, monotonic: 100)
    // One because of its size, one that comes two intervals late.
    schedule.begin(wall: 0, monotonic: 100 + 3 * second)
    #expect(schedule.monotonicDue == 100 + 7 * second)
    schedule.begin(wall: 0, monotonic: 100 + 22 * second)
    #expect(schedule.monotonicDue == 100 + 28 * second)
  }

  @Test func aClockThatIsSetBackBringsTheNextRoundTimeForward() {
    var schedule = RotationSchedule(interval: hour) { _ in 0 }
    schedule.begin(wall: 10 * hour + second, monotonic: 0)
    #expect(schedule.wallDue == 11 * hour)
    // A little: the same round time.
    schedule.noteClock(wall: 10 * hour - second)
    #expect(schedule.wallDue == 10 * hour)
    schedule.noteClock(wall: 4 * hour + second)
    #expect(schedule.wallDue == 5 * hour)
    #expect(!schedule.isDue(wall: 4 * hour + second, monotonic: hour))
  }

  @Test func filesAreNamedAfterTheRoundTime() {
    var schedule = RotationSchedule(interval: hour) { _ in 1800 }
    schedule.begin(wall: 0, monotonic: 0)
    #expect(schedule.roundTime(at: hour / 2 + 5 * second) == hour / 2)
    // Hours late, after a sleep.
    #expect(schedule.roundTime(at: 4 * hour) == 3 * hour + hour / 2)
    // Not because it was due.
    #expect(schedule.roundTime(at: 17) == 17)
  }
}
