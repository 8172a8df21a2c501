internal import Dispatch
internal import Glibc
internal import MWCCore

/// What SIGINT, SIGTERM and the job control of the shell do to a command that only reads.
///
/// The first signal asks the command to stop. A second one, or a command that cannot stop because
/// the reader of its output does not read, ends the process at once.
final class StopSignals {
  private let watches: [SignalWatch]
  private let received: Received

  /// The first signal, shared with the handlers.
  private final class Received: Sendable {
    let number = Guarded<Int32?>(nil)
  }

  /// - Parameters:
  ///   - stop: asks the command to stop.
  ///   - leave: puts back what must not stay as it is, before the process ends at once.
  ///   - suspend: the shell stops the process (Ctrl-Z); called before it does.
  ///   - resume: the process goes on.
  init(
    stop: @escaping @Sendable () -> Void, leave: @escaping @Sendable () -> Void,
    suspend: @escaping @Sendable () -> Void, resume: @escaping @Sendable () -> Void
  ) {
    let received = Received()
    self.received = received
    let ending = SignalWatch([SIGINT, SIGTERM]) { number in
      let isFirst = received.number.withLock { first in
        defer { first = first ?? number }
        return first == nil
      }
      guard isFirst else {
        leave()
        _exit(128 + number)
      }
      stop()
      DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(2)) {
        leave()
        _exit(128 + number)
      }
    }
    let jobControl = SignalWatch([SIGTSTP, SIGCONT]) { number in
      if number == SIGTSTP {
        suspend()
        kill(getpid(), SIGSTOP)
      } else {
        resume()
      }
    }
    watches = [ending, jobControl]
  }

  /// How the process ends when a signal stopped it; nil when none came.
  var status: ExitStatus? {
    received.number.withLock { $0 }.map { $0 == SIGTERM ? .terminated : .interrupted }
  }
}
