/// A one-shot timer of the loop's thread.
final class LoopTimer {
  private var timer: TimerHandle?
  private let fired: () -> Void

  init(loop: LoopHandle, fired: @escaping () -> Void) {
    self.fired = fired
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    timer = unsafe TimerHandle(
      loop: loop,
      fired: { context in
        guard let context = unsafe context else { return }
        unsafe Unmanaged<LoopTimer>.fromOpaque(context).takeUnretainedValue().fired()
      }, context: context)
    precondition(timer != nil, "out of memory")
  }

  /// Before the loop is destroyed.
  deinit { timer?.destroy() }

  /// Fires in `delay` nanoseconds, and not at an earlier set time.
  func set(after delay: Int64) { timer?.set(after: max(delay, 0)) }

  func cancel() { timer?.cancel() }
}
