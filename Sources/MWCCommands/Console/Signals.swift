internal import Dispatch
internal import Glibc
internal import MWCCore
internal import Synchronization

/// Calls a handler, off the main thread, each time one of some signals arrives. The signals' default
/// action is off from the moment the watch is made until the process ends; none that arrives after
/// that moment is missed.
package final class SignalWatch {
  private let signals: [Int32]

  /// - Parameters:
  ///   - signals: for instance `[SIGINT, SIGTERM]`.
  ///   - handler: gets the signal's number.
  package init(_ signals: [Int32], handler: @escaping @Sendable (Int32) -> Void) {
    self.signals = signals
    SignalRelay.shared.set(handler, for: signals)
  }

  deinit { SignalRelay.shared.set(nil, for: signals) }
}

/// Carries signals from the one place where almost nothing is allowed, the C handler, to ordinary
/// code: the handler writes the number into a pipe, a queue reads it there.
///
/// A dispatch source for signals would be shorter, but it begins to listen some time after it was
/// made, and what arrives until then is lost.
private final class SignalRelay: Sendable {
  static let shared = SignalRelay()

  typealias Handler = @Sendable (Int32) -> Void

  /// Where the C handler writes; set before the first signal is caught.
  fileprivate static let entrance = Atomic<Int32>(-1)

  private let handlers = Guarded<[Int32: Handler]>([:])

  private init() {
    var ends: [Int32] = [-1, -1]
    let result = unsafe pipe(&ends)
    precondition(result == 0, "a process that cannot open a pipe at its start cannot work")
    let exit = ends[0]
    // Programs that are started get neither end; a full pipe does not stop whoever is interrupted.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
    Self.entrance.store(ends[1], ordering: .releasing)
    DispatchQueue(label: "mwc.signals").async { [self] in
      var number = UInt8(0)
      while true {
        if unsafe read(exit, &number, 1) == 1 {
          handle(Int32(number))
        } else if errno != EINTR {
          return  // The pipe stays open as long as the process.
        }
      }
    }
  }

  func set(_ handler: Handler?, for signals: [Int32]) {
    handlers.withLock { handlers in
      for number in signals { handlers[number] = handler }
    }
    for number in signals where handler != nil {
      var action = sigaction()
      unsafe action.__sigaction_handler.sa_handler = relaySignal
      action.sa_flags = SA_RESTART
      unsafe sigaction(number, &action, nil)
    }
  }

  private func handle(_ number: Int32) {
    // Called without the lock: a handler may take its time, or make another watch.
    handlers.withLock { $0[number] }?(number)
  }
}

/// The C handler. It may interrupt anything, so it calls nothing but `write`, and keeps `errno`.
private func relaySignal(_ number: Int32) {
  let interrupted = errno
  var byte = UInt8(truncatingIfNeeded: number)
  unsafe _ = write(SignalRelay.entrance.load(ordering: .relaxed), &byte, 1)
  errno = interrupted
}
