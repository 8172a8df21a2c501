package import MWCCore
internal import Synchronization

/// When each recorded message is due: rate, pause, step, seek and waiting, all in one object.
///
/// A *position* is a nanosecond in the recording, counted from its first message. The clock pins one
/// position to one instant of real time, and everything follows from that pin:
///
/// ```
///   recording   ──────●───────────────●──────►  position
///                     │ pinned        │ wanted          due = instant + (wanted − pinned) / rate
///   real time   ──────●───────●──────────────►  instant
///                             due
/// ```
///
/// Deadlines are absolute and computed from the pin, not from each other, so a late wake-up delays one
/// message and never the ones after it. The pin moves only when somebody asks for something: another
/// rate, a pause, a jump, a silence to be cut out.
///
/// One thread waits (`check`, `sleep`); any thread may control it, and that ends the wait.
package final class ReplayClock: Sendable {
  /// What a wait came to.
  package enum Outcome: Hashable, Sendable {
    /// The position is due. `lateness`: nanoseconds since the promised instant; nil where none is
    /// promised, at speed `max` or when stepping.
    case due(lateness: Int64?)
    /// Somebody asked for another position; continue there and `begin(at:)` again.
    case moved(to: Int64)
    /// Playing is over.
    case stopped
  }

  private struct State {
    var speed: PlaybackSpeed
    var isPaused = false
    var isStopped = false
    /// Messages that may pass although time stands still.
    var steps = 0
    /// A position that was asked for and not yet taken up.
    var destination: Int64?
    // The pin. While time stands still only the position counts.
    var pinnedPosition: Int64 = 0
    var pinnedTime: Int64 = 0
    /// When the pause began that is on, and how long all earlier ones were.
    var pauseStart: Int64 = 0
    var pausedBefore: Int64 = 0
    /// Nobody kept the pin while positions ran free; the next one is due at once and pins.
    var isPinLost = false

    var standsStill: Bool { isPaused || speed == .step }
    var runsFree: Bool { speed == .max && !isPaused && !isStopped && destination == nil }

    /// Where the recording is at `time`.
    func position(at time: Int64) -> Int64 {
      guard case .times(let rate) = speed, !standsStill else { return pinnedPosition }
      return pinnedPosition.addingClamped(Int64(clamping: Double(time - pinnedTime) * rate))
    }

    /// When `position` is due.
    func deadline(of position: Int64, rate: Double) -> Int64 {
      let distance = Double(position.subtractingClamped(pinnedPosition))
      return pinnedTime.addingClamped(Int64(clamping: distance / rate))
    }

    mutating func pin(_ position: Int64, at time: Int64) {
      pinnedPosition = position
      pinnedTime = time
      isPinLost = false
    }

    /// Pins what is due at `time`, which moves no deadline.
    mutating func movePin(to time: Int64) {
      pinnedPosition = position(at: time)
      pinnedTime = time
    }
  }

  private let time: any TimeSource
  private let state: Guarded<State>
  /// True while every position is due at once and nobody has asked for anything, so that playing at
  /// `max` costs one load for each message.
  private let runsFree: Atomic<Bool>

  package init(speed: PlaybackSpeed = .times(1), time: any TimeSource = SystemTimeSource()) {
    speed.checkIsPossible()
    self.time = time
    let initial = State(speed: speed)
    runsFree = Atomic(initial.runsFree)
    state = Guarded(initial)
  }

  // MARK: - The playing thread

  /// Pins `position` to this instant: it is due now.
  package func begin(at position: Int64) {
    state.withLock { $0.pin(position, at: time.now) }
  }

  /// Makes `later` due at the instant at which `earlier` would have been: cuts out what lies between
  /// them, or goes back, without moving any deadline by what has happened so far.
  package func splice(from earlier: Int64, to later: Int64) {
    let distance = later.subtractingClamped(earlier)
    state.withLock { $0.pinnedPosition = $0.pinnedPosition.addingClamped(distance) }
  }

  /// Whether `position` is due already, or something else needs attention; nil: it has to be waited
  /// for. This is the moment to hand over what has gathered.
  package func check(_ position: Int64) -> Outcome? {
    if isRunningFree { return .due(lateness: nil) }
    return decide(position).outcome
  }

  /// Waits until `position` is due, or something else needs attention.
  package func sleep(until position: Int64) -> Outcome {
    while true {
      let decision = decide(position)
      if let outcome = decision.outcome { return outcome }
      time.sleep(until: decision.deadline)
    }
  }

  /// Whether every position is due at once; costs one load.
  package var isRunningFree: Bool { runsFree.load(ordering: .relaxed) }

  /// Called once by the thread that is going to play.
  package func prepareThread() { time.prepareThread() }

  /// Real time without pauses, nanoseconds; only differences mean something.
  package var playingTime: Int64 {
    let now = time.now
    return state.withLock { ($0.isPaused ? $0.pauseStart : now) - $0.pausedBefore }
  }

  private func decide(_ position: Int64) -> (outcome: Outcome?, deadline: Int64?) {
    let now = time.now
    return change { state in
      if state.isStopped { return (.stopped, nil) }
      if let destination = state.destination {
        state.destination = nil
        return (.moved(to: destination), nil)
      }
      if state.standsStill {
        guard state.steps > 0 else { return (nil, nil) }
        state.steps -= 1
        state.pin(position, at: now)
        return (.due(lateness: nil), nil)
      }
      switch state.speed {
      case .times(let rate):
        if state.isPinLost { state.pin(position, at: now) }
        let deadline = state.deadline(of: position, rate: rate)
        return now >= deadline ? (.due(lateness: now - deadline), nil) : (nil, deadline)
      case .max, .step:
        return (.due(lateness: nil), nil)
      }
    }
  }

  // MARK: - Control, from any thread

  package var speed: PlaybackSpeed { state.withLock { $0.speed } }
  package var isPaused: Bool { state.withLock { $0.isPaused } }
  package var isStopped: Bool { state.withLock { $0.isStopped } }

  /// The position at this instant; at `max` and while stepping, the last one pinned.
  package var position: Int64 {
    let now = time.now
    return state.withLock { $0.position(at: now) }
  }

  /// Plays on from here at another speed.
  package func setSpeed(_ speed: PlaybackSpeed) {
    speed.checkIsPossible()
    control { state, now in
      state.movePin(to: now)
      if state.speed == .max { state.isPinLost = true }
      state.speed = speed
    }
  }

  /// Lets time stand still. Messages that are late already wait as well.
  package func pause() {
    control { state, now in
      guard !state.isPaused else { return }
      state.movePin(to: now)
      state.pauseStart = now
      state.isPaused = true
    }
  }

  /// Lets time run again, from where it stood.
  package func resume() {
    control { state, now in
      guard state.isPaused else { return }
      state.pausedBefore += now - state.pauseStart
      state.isPaused = false
      state.pinnedTime = now
    }
  }

  /// Lets one more message pass while time stands still.
  package func step() { control { state, _ in state.steps += 1 } }

  /// Asks the player to go on at `position`.
  package func seek(to position: Int64) { control { state, _ in state.destination = position } }

  /// Ends playing, for good.
  package func stop() { control { state, _ in state.isStopped = true } }

  private func control(_ body: (inout State, _ now: Int64) -> Void) {
    let now = time.now
    change { body(&$0, now) }
    time.wake()
  }

  private func change<Result>(_ body: (inout State) -> Result) -> Result {
    state.withLock { state in
      let result = body(&state)
      runsFree.store(state.runsFree, ordering: .relaxed)
      return result
    }
  }
}

extension PlaybackSpeed {
  fileprivate func checkIsPossible() {
    guard case .times(let rate) = self else { return }
    precondition(rate > 0 && rate.isFinite, "a rate is finite and greater than zero")
  }
}

extension Int64 {
  fileprivate init(clamping value: Double) {
    // The largest Double below 2^63; positions beyond 292 years are all the same to us.
    self = Int64(Swift.min(Swift.max(value.rounded(), -0x1p63), 0x1.fffffffffffffp62))
  }
}
