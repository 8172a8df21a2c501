/// When a file has been written for long enough.
///
/// Intervals of a minute and more that divide a day begin at round local times, as people expect to
/// find them: every hour at :00, every day at midnight. Others are counted from the start of the
/// recording, by the monotonic clock.
struct RotationSchedule {
  /// Nanoseconds; nil: no file is ever old enough.
  private let interval: Int64?
  private let isAligned: Bool
  /// Seconds that local time is ahead of UTC, at a moment in nanoseconds since 1970.
  private let utcOffset: (Int64) -> Int32

  /// When the next file begins, by either clock; the other one is `.max`.
  private(set) var wallDue = Int64.max
  private(set) var monotonicDue = Int64.max

  init(
    interval: Int64?,
    utcOffset: @escaping (Int64) -> Int32 = { LocalTime.zone(atNanoseconds: $0).offset }
  ) {
    precondition(interval ?? 1 > 0, "an interval is more than nothing")
    self.interval = interval
    self.utcOffset = utcOffset
    isAligned = interval.map(Self.isAligned) ?? false
  }

  static func isAligned(_ interval: Int64) -> Bool {
    interval >= minute && day % interval == 0
  }

  private static let second: Int64 = 1_000_000_000
  private static let minute = 60 * second
  private static let day = 24 * 60 * minute

  /// A file begins.
  mutating func begin(wall: Int64, monotonic: Int64) {
    guard let interval else { return }
    if isAligned {
      wallDue = boundary(after: wall, interval)
    } else if monotonicDue == .max {
      monotonicDue = monotonic.addingClamped(interval)
    } else if monotonic >= monotonicDue {
      // Whatever came too late does not move the ones to come.
      let passed = (monotonic - monotonicDue) / interval + 1
      monotonicDue = monotonicDue.addingClamped(passed * interval)
    }
  }

  func isDue(wall: Int64, monotonic: Int64) -> Bool {
    wall >= wallDue || monotonic >= monotonicDue
  }

  /// Looks whether the wall clock was set back: then the next round time comes earlier.
  mutating func noteClock(wall: Int64) {
    guard isAligned, let interval, wallDue &- wall > interval else { return }
    wallDue = boundary(after: wall, interval)
  }

  /// The time that a file is named after which begins at `wall` because it was due.
  func roundTime(at wall: Int64) -> Int64 {
    guard isAligned, let interval, wall >= wallDue else { return wall }
    let local = wall + offset(at: wall)
    return wall - local.remainder(of: interval)
  }

  /// The next moment whose local time is a multiple of the interval.
  private func boundary(after wall: Int64, _ interval: Int64) -> Int64 {
    let offset = offset(at: wall)
    let next = wall + interval - (wall + offset).remainder(of: interval)
    // Summer time may begin or end before that.
    let then = self.offset(at: next)
    let isRound = (next + then).remainder(of: interval) == 0
    let corrected = next + offset - then
    return isRound || corrected <= wall ? next : corrected
  }

  private func offset(at wall: Int64) -> Int64 { Int64(utcOffset(wall)) * Self.second }
}

extension Int64 {
  /// Never negative.
  fileprivate func remainder(of divisor: Int64) -> Int64 {
    let rest = self % divisor
    return rest < 0 ? rest + divisor : rest
  }

  /// The largest value instead of an overflow; `other` is not negative.
  fileprivate func addingClamped(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
