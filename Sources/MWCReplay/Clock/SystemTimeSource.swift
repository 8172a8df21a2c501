internal import CMWCKernels
internal import Glibc
internal import MWCCore

/// `CLOCK_MONOTONIC`, and sleeps that end within microseconds of their deadline.
///
/// A sleep is one wait on a condition variable bound to the monotonic clock: an absolute deadline in
/// the kernel like `clock_nanosleep(TIMER_ABSTIME)`, but one that another thread can end without the
/// race between looking at a flag and going to sleep. The thread's timer slack is 1 ns, and the last
/// stretch is spent spinning, because a wake-up costs the kernel tens of microseconds.
///
/// `@unchecked Sendable` and `@safe` hold because `isAwake` is only touched under `mutex`, and both
/// primitives are allocated once, stay where they are and outlive every user of this object.
@safe package final class SystemTimeSource: TimeSource, @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var isAwake = false
  private let spinNanoseconds: Int64

  /// - Parameter spinNanoseconds: how long before the deadline to stop sleeping and watch the clock.
  ///   More costs CPU, less costs precision; 0 never spins.
  package init(spinNanoseconds: Int64 = 50_000) {
    self.spinNanoseconds = max(0, spinNanoseconds)
    unsafe mutex = .allocate(capacity: 1)
    unsafe condition = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe condition.initialize(to: pthread_cond_t())
    var attributes = pthread_condattr_t()
    var result = unsafe pthread_mutex_init(mutex, nil)
    result |= unsafe pthread_condattr_init(&attributes)
    result |= unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    result |= unsafe pthread_cond_init(condition, &attributes)
    result |= unsafe pthread_condattr_destroy(&attributes)
    precondition(result == 0, "these calls fail only for wrong arguments")
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  package var now: Int64 { SystemClock.monotonicNanoseconds() }

  package func sleep(until deadline: Int64?) {
    let wasWoken = wait(until: deadline.map { $0 &- spinNanoseconds })
    guard let deadline, !wasWoken else { return }
    while now < deadline {}
  }

  /// Returns whether a wake ended the wait.
  private func wait(until deadline: Int64?) -> Bool {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    defer { isAwake = false }
    guard let deadline else {
      while !isAwake { unsafe pthread_cond_wait(condition, mutex) }
      return true
    }
    var time = timespec(
      tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
    while !isAwake, now < deadline {
      if unsafe pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT { break }
    }
    return isAwake
  }

  package func wake() {
    unsafe pthread_mutex_lock(mutex)
    isAwake = true
    unsafe pthread_cond_signal(condition)
    unsafe pthread_mutex_unlock(mutex)
  }

  package func prepareThread() {
    // Refused only by a sandbox; the price is precision, nothing else.
    _ = mwc_set_timer_slack(1)
  }
}
