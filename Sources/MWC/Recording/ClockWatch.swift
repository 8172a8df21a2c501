internal import Glibc

/// Notices that the wall clock was set, or that the machine slept.
///
/// Three clocks are compared between two readings:
///
/// ```
///   wall      set by people and by time synchronisation
///   boot      never set; counts while the machine sleeps
///   monotonic never set; stands still while the machine sleeps
///
///   wall moved more or less than boot   the wall clock was set: jump
///   boot moved more than monotonic      the machine slept: suspended
/// ```
///
/// Each reading is compared with the one before, so that slow slewing never adds up to a jump.
struct ClockWatch {
  enum Finding: Equatable {
    /// By how much the wall clock was set, in nanoseconds; negative: back.
    case jump(Int64)
    /// How long the machine slept, in nanoseconds.
    case suspended(Int64)
  }

  /// The three clocks at one moment, in nanoseconds.
  struct Reading {
    var wall: Int64
    var boot: Int64
    var monotonic: Int64
  }

  /// Differences below this are synchronisation at work, or the time between two clock readings.
  static let threshold: Int64 = 100_000_000

  private var before: Reading?

  mutating func observe(_ now: Reading) -> [Finding] {
    defer { before = now }
    guard let before else { return [] }
    var findings: [Finding] = []
    let slept = (now.boot - before.boot) - (now.monotonic - before.monotonic)
    if slept > Self.threshold { findings.append(.suspended(slept)) }
    let jump = (now.wall - before.wall) - (now.boot - before.boot)
    if jump.magnitude > Self.threshold { findings.append(.jump(jump)) }
    return findings
  }
}

extension ClockWatch.Reading {
  /// The clocks now; nil when this thread was interrupted for so long between reading them that they
  /// would not belong together.
  static func now() -> ClockWatch.Reading? {
    for _ in 0..<3 {
      let start = read(CLOCK_MONOTONIC)
      let reading = ClockWatch.Reading(
        wall: read(CLOCK_REALTIME), boot: read(CLOCK_BOOTTIME), monotonic: read(CLOCK_MONOTONIC))
      if reading.monotonic - start < ClockWatch.threshold / 10 { return reading }
    }
    return nil
  }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    let result = unsafe clock_gettime(clock, &time)
    precondition(result == 0, "these clocks exist on every Linux")
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
