internal import Glibc

/// The two clocks of the system, as nanoseconds.
package enum SystemClock {
  /// `CLOCK_MONOTONIC`: never set, does not count while the machine sleeps.
  package static func monotonicNanoseconds() -> Int64 { read(CLOCK_MONOTONIC) }

  /// `CLOCK_REALTIME`: nanoseconds since 1970 (UTC); can be set, forwards and backwards.
  package static func wallNanoseconds() -> Int64 { read(CLOCK_REALTIME) }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    let result = unsafe clock_gettime(clock, &time)
    precondition(result == 0, "both clocks exist on every Linux")
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
