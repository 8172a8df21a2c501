internal import MWCCore
internal import Synchronization

/// The live line of a command that takes its time: how far it is, how fast, and how long it will
/// still take. Shown on standard error if that is a terminal, and only while the work lasts.
///
/// ```
///   42%  1.2 GiB of 2.9 GiB  310.0 MiB/s  6 s left
/// ```
///
/// ```swift
/// let progress = ProgressLine(total: size)        // of what is read; nil for a pipe
/// defer { progress.end() }
/// while … { progress.done = reader.position }     // costs a store
/// ```
final class ProgressLine: Sendable {
  private let shared: Shared
  private let line: Guarded<LiveLine?>

  /// What the thread that works and the one that draws have in common.
  private final class Shared: Sendable {
    let bytes = Atomic<Int64>(0)
  }

  /// - Parameter total: bytes that there are to do; nil when nobody knows.
  init(total: Int64?) {
    let shared = Shared()
    self.shared = shared
    guard Console.isTerminal(2) else {
      line = Guarded(nil)
      return
    }
    let start = SystemClock.monotonicNanoseconds()
    line = Guarded(
      LiveLine {
        Self.text(
          done: shared.bytes.load(ordering: .relaxed), total: total,
          elapsed: SystemClock.monotonicNanoseconds() - start)
      })
  }

  /// Bytes done so far; never more than `total`. Set by one thread, as often as it likes.
  var done: Int64 {
    get { shared.bytes.load(ordering: .relaxed) }
    set { shared.bytes.store(newValue, ordering: .relaxed) }
  }

  /// Takes the line away. Done by itself when the object goes.
  func end() {
    line.withLock { line in
      line?.end()
      line = nil
    }
  }

  deinit { end() }

  /// What the line says after `elapsed` nanoseconds.
  static func text(done: Int64, total: Int64?, elapsed: Int64) -> String {
    let seconds = max(Double(elapsed) / 1e9, 0.001)
    let rate = Double(max(0, done)) / seconds
    let size = ByteCount(bytes: max(0, done)).description
    let speed = "\(ByteCount(bytes: Int64(rate)))/s"
    guard let total, total > 0 else { return "\(size)  \(speed)" }
    let done = min(max(0, done), total)
    // Cut, not rounded: 100% is said when it is true.
    let percent = Int64(Double(done) / Double(total) * 100)
    var text = "\(percent)%  \(size) of \(ByteCount(bytes: total))  \(speed)"
    if done > 0, seconds >= 1 {
      let left = Double(total - done) / rate
      text += "  \(NumberText.length(wholeSeconds: Int64(left.rounded(.up)))) left"
    }
    return text
  }
}
