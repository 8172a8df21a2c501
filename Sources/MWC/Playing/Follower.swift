internal import Glibc
package import MWCCapture

/// Waits for more of a capture that is still being written.
///
/// It looks at the file again and again: that works on every file system, also where the writer is
/// another machine, and costs next to nothing. What was recorded shows as soon as the writer has
/// flushed it and this much time has passed.
package struct Follower {
  /// Nanoseconds between two looks; a fifth of the writer's usual flush interval.
  private static let patience = 20_000_000

  private let isStopped: () -> Bool
  private let beforeWaiting: () -> Void

  /// - Parameters:
  ///   - isStopped: whether to give up.
  ///   - beforeWaiting: called before each wait: shows what was read so far.
  package init(isStopped: @escaping () -> Bool, beforeWaiting: @escaping () -> Void) {
    self.isStopped = isStopped
    self.beforeWaiting = beforeWaiting
  }

  /// Whether more can come where a reader has come to `ending`.
  package static func canGrow(_ ending: CaptureEnding?) -> Bool { ending != .finished }

  /// Waits a moment; false when there is nothing to wait for any more.
  package func wait() -> Bool {
    beforeWaiting()
    if isStopped() { return false }
    var time = timespec(tv_sec: 0, tv_nsec: Follower.patience)
    // A signal ends it early, which is as well.
    _ = unsafe nanosleep(&time, nil)
    return !isStopped()
  }
}
