package import Histogram

/// What a replay has done so far.
package struct ReplayStatistics: Sendable {
  /// Messages handed to the sink, and their payload bytes, if the plan wants them counted.
  package private(set) var messages: UInt64 = 0
  package private(set) var bytes: UInt64 = 0
  /// Nanoseconds of recording that were played: the distances between messages, without silences
  /// that were cut and without jumps.
  package private(set) var playedNanoseconds: Int64 = 0
  /// The position of the last message.
  package private(set) var position: Int64 = 0
  /// When the first and the last message were handed over, by `ReplayClock.playingTime`; nil before
  /// the first.
  package private(set) var delivery: ClosedRange<Int64>?
  /// How late each message was, in nanoseconds of real time. Empty at speed `max` and when stepping,
  /// where no instant is promised.
  package private(set) var lateness = Histogram<UInt64>(
    highestTrackableValue: Self.latestNanoseconds, numberOfSignificantValueDigits: .three)

  /// How late the last message was, in nanoseconds; nil where no instant is promised.
  package private(set) var lastLateness: Int64?

  /// Lateness beyond an hour counts as an hour; it bounds the histogram.
  private static let latestNanoseconds: UInt64 = 3_600_000_000_000

  package init() {}

  /// Nanoseconds between the first and the last message handed over, without pauses.
  package var elapsedNanoseconds: Int64 { delivery.map { $0.upperBound - $0.lowerBound } ?? 0 }

  /// Recorded time per real time; nil when there is nothing to divide.
  package var achievedSpeed: Double? {
    let elapsed = elapsedNanoseconds
    return elapsed > 0 ? Double(playedNanoseconds) / Double(elapsed) : nil
  }

  /// Messages in a second of real time.
  package var messagesPerSecond: Double? {
    let elapsed = elapsedNanoseconds
    return elapsed > 0 ? Double(messages) / (Double(elapsed) / 1e9) : nil
  }

  mutating func countMessage(bytes: Int, position: Int64, played: Int64, lateness: Int64?) {
    messages += 1
    playedNanoseconds = playedNanoseconds.addingClamped(played)
    self.bytes += UInt64(bytes)
    self.position = position
    lastLateness = lateness
    if let lateness {
      _ = self.lateness.record(min(UInt64(max(0, lateness)), Self.latestNanoseconds))
    }
  }

  mutating func countDelivery(at now: Int64) {
    let first = delivery?.lowerBound ?? now
    delivery = first...max(first, now)
  }
}
