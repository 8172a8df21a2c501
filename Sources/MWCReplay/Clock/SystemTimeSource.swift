internal import CMWCKernels
internal import MWCCore

/// `CLOCK_MONOTONIC`, and sleeps that end within microseconds of their deadline.
///
/// A sleep is one wait for an absolute deadline in the kernel, like `clock_nanosleep(TIMER_ABSTIME)`,
/// but one that another thread can end without the race between looking at a flag and going to sleep.
/// The thread's timer slack is 1 ns, and the last stretch is spent watching the clock, because a
/// wake-up costs the kernel tens of microseconds.
package final class SystemTimeSource: TimeSource {
  private let parker = Parker()
  private let spinNanoseconds: Int64

  /// - Parameter spinNanoseconds: how long before the deadline to stop sleeping and watch the clock.
  ///   More costs CPU, less costs precision; 0 never spins.
  package init(spinNanoseconds: Int64 = 50_000) {
    self.spinNanoseconds = max(0, spinNanoseconds)
  }

  package var now: Int64 { SystemClock.monotonicNanoseconds() }

  package func sleep(until deadline: Int64?) {
    guard let deadline else {
      parker.sleep()
      return
    }
    let wasWoken = parker.sleep(until: deadline.subtractingClamped(spinNanoseconds))
    while !wasWoken, now < deadline {}
  }

  package func wake() { parker.wake() }

  package func prepareThread() {
    // Refused only by a sandbox; the price is precision, nothing else.
    _ = mwc_set_timer_slack(1)
  }
}
