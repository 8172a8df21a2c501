internal import Dispatch
internal import MWCCore

/// Redraws a line on the terminal ten times a second until it ends.
final class LiveLine {
  private let timer: any DispatchSourceTimer
  private let queue: DispatchQueue

  /// - Parameter line: makes the text; called on a thread of its own.
  init(_ line: @escaping @Sendable () -> String) {
    queue = DispatchQueue(label: "mwc.live-line")
    timer = DispatchSource.makeTimerSource(queue: queue)
    timer.setEventHandler { Console.showLive(line()) }
    timer.schedule(deadline: .now() + .milliseconds(100), repeating: .milliseconds(100))
    timer.resume()
  }

  /// Takes the line away; it does not come back.
  func end() {
    timer.cancel()
    // A redraw that has begun ends first.
    queue.sync {}
    Console.clearLive()
  }
}
