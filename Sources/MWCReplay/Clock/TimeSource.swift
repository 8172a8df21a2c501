/// Where a `ReplayClock` takes time from: the system, or a test.
///
/// There is no way to sleep *for* a while, only *until* an instant. Whoever sleeps for a while adds
/// the time it took to get there, every time; whoever sleeps until an instant cannot drift.
package protocol TimeSource: Sendable {
  /// Nanoseconds on a clock that never jumps; only differences mean something.
  var now: Int64 { get }

  /// Blocks the calling thread until `deadline` or the next `wake()`, whichever is first. A wake that
  /// came while nobody slept ends the next sleep at once, so none is lost. May also return early
  /// without a reason: callers look again. One thread sleeps at a time.
  ///
  /// - Parameter deadline: nanoseconds on the clock of `now`; nil: only a wake ends it.
  func sleep(until deadline: Int64?)

  /// Ends a sleep. Callable from any thread, but not from a signal handler.
  func wake()

  /// Called once by the thread that is going to sleep, before it does.
  func prepareThread()
}
