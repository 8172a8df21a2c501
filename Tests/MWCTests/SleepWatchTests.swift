import Testing

@testable import MWC

@Suite struct SleepWatchTests {
  private func findings(_ readings: [(boot: Int64, monotonic: Int64)]) -> [Int64] {
    var watch = SleepWatch()
    return readings.compactMap {
      watch.observe(SleepWatch.Reading(boot: $0.boot, monotonic: $0.monotonic))
    }
  }

  @Test func clocksThatRunAlikeAreNoSleep() {
    #expect(findings([(5, 0), (10_000_000_005, 10_000_000_000)]) == [])
  }

  @Test func sleepIsWhatTheMonotonicClockMissed() {
    #expect(
      findings([(0, 0), (60_000_000_000, 1_000_000_000), (61_000_000_000, 2_000_000_000)])
        == [59_000_000_000])
  }

  @Test func theThresholdItselfIsNoSleep() {
    let limit = SleepWatch.threshold
    #expect(findings([(0, 0), (limit, 0)]) == [])
    #expect(findings([(0, 0), (limit + 1, 0)]) == [limit + 1])
  }

  @Test func realClocksAgree() {
    var watch = SleepWatch()
    for _ in 0..<100 { #expect(watch.observe(.now()) == nil) }
  }
}
