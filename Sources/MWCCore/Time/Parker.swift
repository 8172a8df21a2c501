internal import Glibc

/// A place where one thread sleeps until another wakes it or a monotonic deadline passes.
///
/// A wake that comes before the sleep is kept, so none is lost; several are kept as one.
///
/// Sendable although it stores a pointer: what it points to is made for use by many threads (a mutex
/// and a condition), and it lives exactly as long as the object.
@safe package final class Parker: Sendable {
  @unsafe private struct State {
    var mutex = unsafe pthread_mutex_t()
    var condition = pthread_cond_t()
    var isWoken = false
  }
  private nonisolated(unsafe) let state: UnsafeMutablePointer<State>

  package init() {
    unsafe state = .allocate(capacity: 1)
    unsafe state.initialize(to: State())
    unsafe pthread_mutex_init(&state.pointee.mutex, nil)
    // The default clock is the wall clock, which somebody may set while we sleep.
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    unsafe pthread_cond_init(&state.pointee.condition, &attributes)
    unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    unsafe pthread_cond_destroy(&state.pointee.condition)
    unsafe pthread_mutex_destroy(&state.pointee.mutex)
    unsafe state.deallocate()
  }

  /// Ends the sleep that is or the one that comes next. Callable from any thread.
  package func wake() {
    unsafe pthread_mutex_lock(&state.pointee.mutex)
    unsafe state.pointee.isWoken = true
    unsafe pthread_cond_signal(&state.pointee.condition)
    unsafe pthread_mutex_unlock(&state.pointee.mutex)
  }

  /// Sleeps until `wake` or, when there is a deadline (monotonic nanoseconds), until that.
  /// Returns whether it was woken.
  @discardableResult
  package func sleep(until deadline: Int64? = nil) -> Bool {
    unsafe pthread_mutex_lock(&state.pointee.mutex)
    defer { unsafe pthread_mutex_unlock(&state.pointee.mutex) }
    while unsafe !state.pointee.isWoken {
      guard let deadline else {
        unsafe pthread_cond_wait(&state.pointee.condition, &state.pointee.mutex)
        continue
      }
      var time = timespec(
        tv_sec: Int(max(deadline, 0) / 1_000_000_000),
        tv_nsec: Int(max(deadline, 0) % 1_000_000_000))
      let result = unsafe pthread_cond_timedwait(
        &state.pointee.condition, &state.pointee.mutex, &time)
      if result == ETIMEDOUT, unsafe !state.pointee.isWoken { return false }
    }
    unsafe state.pointee.isWoken = false
    return true
  }
}
