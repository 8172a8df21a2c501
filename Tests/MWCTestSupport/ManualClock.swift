import MWCCore
internal import MWCReplay

/// Time that passes only when somebody sleeps, and then at once.
///
/// A test sees every deadline that was asked for, can wake sleepers late, and can act in the middle of
/// a sleep, on the sleeping thread and therefore at a known moment.
package final class ManualClock: TimeSource {
  private struct State {
    var now: Int64
    var deadlines: [Int64?] = []
    var isAwake = false
  }

  private let state: Guarded<State>
  private let overshoot: @Sendable (_ sleep: Int) -> Int64
  private let onSleep: @Sendable (_ sleep: Int, _ clock: ManualClock) -> Void

  /// - Parameters:
  ///   - now: where time begins, nanoseconds.
  ///   - overshoot: how many nanoseconds too late the sleep with this number (from 0) ends.
  ///   - onSleep: called when a sleep begins, with its number; may move time and wake the sleeper.
  package init(
    now: Int64 = 1_000_000_000, overshoot: @escaping @Sendable (Int) -> Int64 = { _ in 0 },
    onSleep: @escaping @Sendable (Int, ManualClock) -> Void = { _, _ in }
  ) {
    state = Guarded(State(now: now))
    self.overshoot = overshoot
    self.onSleep = onSleep
  }

  package var now: Int64 { state.withLock { $0.now } }

  /// All deadlines slept for, in order; nil: a sleep that only a wake could end.
  package var deadlines: [Int64?] { state.withLock { $0.deadlines } }

  /// Lets time pass.
  package func advance(by nanoseconds: Int64) {
    precondition(nanoseconds >= 0, "time does not go back")
    state.withLock { $0.now += nanoseconds }
  }

  package func sleep(until deadline: Int64?) {
    let number = state.withLock { state in
      state.deadlines.append(deadline)
      return state.deadlines.count - 1
    }
    onSleep(number, self)
    state.withLock { state in
      defer { state.isAwake = false }
      if state.isAwake { return }
      guard let deadline else { preconditionFailure("asleep for ever: nobody will wake this") }
      state.now = max(state.now, deadline + overshoot(number))
    }
  }

  package func wake() { state.withLock { $0.isAwake = true } }

  package func prepareThread() {}
}
