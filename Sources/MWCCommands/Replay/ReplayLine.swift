internal import Histogram
internal import MWC
internal import MWCCore
internal import MWCReplay

/// The live line of a replay:
/// `12:03:11.204  45.3/300.0 s  10.0x  1,431 msg/s  late p99 84 µs`.
///
/// Speed and rate are those of the last second.
final class ReplayLine: Sendable {
  private struct Sample {
    var time: Int64
    var position: Int64
    var messages: UInt64
  }

  private let clock: ReplayClock
  private let progress: ReplayProgress
  private let recording: Recording
  /// Looks of the last second, oldest first.
  private let samples = Guarded<[Sample]>([])

  /// What the line says about the recording as a whole.
  struct Recording: Sendable {
    /// Wall clock at its start, nanoseconds since 1970.
    var startWallTime: Int64
    /// Nanoseconds; nil when it is not known yet, because it comes through a pipe.
    var duration: Int64?
  }

  init(clock: ReplayClock, progress: ReplayProgress, recording: Recording) {
    self.clock = clock
    self.progress = progress
    self.recording = recording
  }

  /// The line at this moment.
  var text: String {
    let statistics = progress.statistics
    let asked = clock.speed
    // Between two messages only the clock knows where we are.
    var position = statistics.position
    if case .times = asked { position = max(position, clock.position) }
    if let duration = recording.duration { position = min(position, duration) }
    let now = Sample(
      time: clock.playingTime, position: statistics.position, messages: statistics.messages)
    let before = samples.withLock { samples in
      samples.append(now)
      if samples.count > 11 { samples.removeFirst() }
      return samples[0]
    }
    let seconds = Double(now.time - before.time) / 1e9
    var parts = [clockText(recording.startWallTime &+ position), positionText(position)]
    if seconds > 0 {
      let achieved = Double(now.position - before.position) / 1e9 / seconds
      parts.append(speedText(achieved, asked, lateness: statistics.lastLateness))
      let rate = Double(now.messages - before.messages) / seconds
      parts.append("\(NumberText.fixed(rate, decimals: 0)) msg/s")
    }
    if statistics.lateness.totalCount > 0 {
      let late = statistics.lateness.valueAtPercentile(99)
      parts.append("late p99 \(NumberText.brief(nanoseconds: late))")
    }
    return parts.joined(separator: "  ")
  }

  private func positionText(_ position: Int64) -> String {
    let seconds = NumberText.fixed(Double(position) / 1e9, decimals: 1)
    guard let duration = recording.duration else { return "\(seconds) s" }
    return "\(seconds)/\(NumberText.fixed(Double(duration) / 1e9, decimals: 1)) s"
  }

  /// The asked speed, as long as it is held.
  private func speedText(_ achieved: Double, _ asked: PlaybackSpeed, lateness: Int64?) -> String {
    switch asked {
    case .max: return "\(NumberText.fixed(achieved, decimals: 0))x"
    case .step: return "step"
    case .times(let rate):
      let wanted = "\(NumberText.fixed(rate, decimals: rate < 0.1 ? 3 : 1))x"
      guard let lateness, lateness > Self.toleratedLateness else { return wanted }
      return "\(NumberText.fixed(achieved, decimals: 1))x of \(wanted)"
    }
  }

  /// Nanoseconds by which messages may be late before the speed counts as not held.
  private static let toleratedLateness: Int64 = 100_000_000

  /// The time of day of a wall time, local, to the millisecond.
  private func clockText(_ wallTime: Int64) -> String {
    let millisecond = (wallTime % 1_000_000_000 + 1_000_000_000) % 1_000_000_000 / 1_000_000
    let digits = String(millisecond)
    return LocalTime.formatted(nanoseconds: wallTime, "%H:%M:%S.")
      + String(repeating: "0", count: 3 - digits.count) + digits
  }
}
