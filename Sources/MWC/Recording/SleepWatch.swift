internal import Glibc

/// Notices that the machine slept: the boot clock counts on meanwhile, the monotonic clock does not.
///
/// Streams go on while we sleep, so what they said is missing. (A wall clock that was set is noticed
/// by the writer, message by message.)
struct SleepWatch {
  /// The two clocks at one moment, in nanoseconds.
  struct Reading {
    var boot: Int64
    var monotonic: Int64
  }

  /// Differences below this are the time between two clock readings.
  static let threshold: Int64 = 100_000_000

  private var before: Reading?

  /// How long the machine slept since the last call, in nanoseconds; nil when it did not.
  mutating func observe(_ now: Reading) -> Int64? {
    defer { before = now }
    guard let before else { return nil }
    let slept = (now.boot - before.boot) - (now.monotonic - before.monotonic)
    return slept > Self.threshold ? slept : nil
  }
}

extension SleepWatch.Reading {
  /// The clocks now. An interruption between the two readings could only hide a short sleep.
  static func now() -> SleepWatch.Reading {
    let boot = read(CLOCK_BOOTTIME)
    return SleepWatch.Reading(boot: boot, monotonic: read(CLOCK_MONOTONIC))
  }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    let result = unsafe clock_gettime(clock, &time)
    precondition(result == 0, "both clocks exist on every Linux")
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
